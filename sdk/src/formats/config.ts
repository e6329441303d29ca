import type { TimeUnit } from "../schema/type.js";
import type { Properties } from "./registry.js";

/** How a step has its format; none is JSON. */
export type FormatConfig =
  | AvroConfig
  | CsvConfig
  | { readonly kind: "raw" }
  | ParquetConfig
  | SeriesConfig
  | { readonly kind: "arrow" };

export interface AvroConfig {
  readonly kind: "avro";
  /** What records are written with; a source has none where they name it. */
  readonly schema: string | undefined;
  readonly readerSchema: string | undefined;
  /** What a sink's schema is called that is made from columns. */
  readonly name: string | undefined;
  readonly registry: RegistryConfig | undefined;
  /** Of the blocks of a file; "" is none. */
  readonly codec: string;
}

export interface RegistryConfig {
  readonly url: string;
  /** `undefined`: by the strategy. */
  readonly subject: string | undefined;
  readonly strategy: SubjectStrategy;
  /** A sink's schema is registered where it is not; otherwise it has to be. */
  readonly register: boolean;
  readonly properties: Properties;
}

/** How a subject is called: by the topic, by the record, or by both. */
export type SubjectStrategy = "topic" | "record" | "topic-record";

export interface CsvConfig {
  readonly kind: "csv";
  readonly delimiter: string;
  readonly quote: string;
  readonly nullText: string;
  readonly header: boolean;
}

/** Which columns make a time series. */
export interface SeriesConfig {
  readonly kind: "lineProtocol" | "remoteWrite";
  /** A text, or the column that holds it. */
  readonly name: string | { readonly column: string };
  readonly labels: readonly string[];
  /** None: all columns that are nothing else. */
  readonly values: readonly string[];
  readonly time: string;
  readonly unit: TimeUnit;
  readonly dialect: "influx" | "questdb";
}

export interface ParquetConfig {
  readonly kind: "parquet";
  /** "" is none. */
  readonly codec: string;
  readonly rowGroupRows: number;
  readonly rowGroupBytes: number;
}
