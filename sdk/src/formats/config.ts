import type { Secrets } from "../connectors/secret.js";
import type { TimeUnit } from "../schema/type.js";
import type { Properties } from "./registry.js";

/** How a step has its format; none is JSON. */
export type FormatConfig = RowFormatConfig | EnvelopeConfig;

export type RowFormatConfig =
  | AvroConfig
  | CsvConfig
  | JsonSchemaConfig
  | ParquetConfig
  | ProtobufConfig
  | SeriesConfig
  | { readonly kind: "raw" }
  | { readonly kind: "arrow" };

/** What a source's records say beside their rows, around the format of these. */
export type EnvelopeConfig =
  | { readonly kind: "debezium"; readonly of: FormatConfig | undefined }
  | { readonly kind: "upsert"; readonly of: FormatConfig | undefined; readonly key: string };

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

export interface ProtobufConfig {
  readonly kind: "protobuf";
  /** The text of a .proto file; a source has none where records name their schema. */
  readonly proto: string | undefined;
  /** Files that it imports, by their names. */
  readonly imports: Properties;
  /** A set of descriptors in the text's place. */
  readonly descriptors: Uint8Array | undefined;
  /** The full name of the message: the first of the file without it. */
  readonly message: string | undefined;
  readonly registry: RegistryConfig | undefined;
}

/** JSON whose records name a JSON Schema. */
export interface JsonSchemaConfig {
  readonly kind: "jsonSchema";
  /** A sink's. */
  readonly schema: string | undefined;
  /** What a sink's schema is called that is made from columns. */
  readonly name: string | undefined;
  readonly registry: RegistryConfig;
}

export interface RegistryConfig {
  readonly url: string;
  /** `undefined`: by the strategy. */
  readonly subject: string | undefined;
  readonly strategy: SubjectStrategy;
  /** A sink's schema is registered where it is not; otherwise it has to be. */
  readonly register: boolean;
  readonly properties: Properties;
  readonly secrets: Secrets;
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
