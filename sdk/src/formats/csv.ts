import type { Schema } from "../schema/schema.js";
import type { Shape } from "../schema/type.js";
import type { FormatConfig } from "./config.js";

/**
 * How CSV is written. Without options, it is as RFC 4180 has it.
 *
 * ```ts
 * import { type CsvOptions, csv, files, schema, t } from "millrace";
 * const options: CsvOptions = { delimiter: ";", null: "NULL", header: true };
 * const Reading = schema({ sensor: t.string(), value: t.float64().nullable() });
 * const source = files({ paths: "readings/*.csv", format: csv(options, Reading) });
 * ```
 */
export interface CsvOptions {
  /** One ASCII character: "," by default. */
  readonly delimiter?: string;
  /** One ASCII character: '"' by default. */
  readonly quote?: string;
  /** What stands for null, without quotes: nothing by default. */
  readonly null?: string;
  /** The first line of each file names the columns: a source does not read it, a sink writes it. For files. */
  readonly header?: boolean;
}

/**
 * CSV, one record a line or message.
 *
 * ```ts
 * import { type Csv, csv, schema, t } from "millrace";
 * const Price = schema({ price: t.int64() });
 * const format: Csv<typeof Price.shape> = csv({}, Price);
 * ```
 */
export interface Csv<S extends Shape | undefined = undefined> {
  readonly format: "csv";
  readonly schema: S extends Shape ? Schema<S> : undefined;
  readonly config: FormatConfig;
}

/**
 * CSV: with the columns for a source, in the order in which records have them; without for a sink.
 *
 * ```ts
 * import { csv, files, job, schema, t } from "millrace";
 * const Line = schema({ level: t.string(), message: t.string(), at: t.timestamp("ms") });
 * export default job("errors", (j) =>
 *   j
 *     .source(files({ paths: "logs/*.csv", format: csv({ header: true }, Line) }))
 *     .filter((line) => line.level.eq("error"))
 *     .to(files({ directory: "errors", format: csv({ header: true }) })),
 * );
 * ```
 */
export function csv(options?: CsvOptions): Csv;
export function csv<S extends Shape>(options: CsvOptions, schema: Schema<S>): Csv<S>;
export function csv(options: CsvOptions = {}, schema?: Schema): unknown {
  const { delimiter = ",", quote = '"', null: nullText = "", header = false } = options;
  return { format: "csv", schema, config: { kind: "csv", delimiter, quote, nullText, header } };
}
