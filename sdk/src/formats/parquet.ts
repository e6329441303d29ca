import { bytes, type Size } from "../duration.js";
import { PlanError } from "../errors.js";
import { Schema } from "../schema/schema.js";
import type { Shape } from "../schema/type.js";
import type { FormatConfig } from "./config.js";

/**
 * How Parquet files are written. The body of an HTTP request is one file, whose row groups end with it at the latest.
 *
 * ```ts
 * import { files, type ParquetOptions, parquet } from "millrace";
 * const options: ParquetOptions = { compression: "zstd", rowGroupRows: 500_000 };
 * const sink = files({ directory: "out", format: parquet(options) });
 * ```
 */
export interface ParquetOptions {
  /** Of the pages in a file: "snappy" by default, "none" for none. */
  readonly compression?: "none" | "snappy" | "zstd" | "lz4" | "gzip";
  /** A row group ends after so many rows (1,000,000) ... */
  readonly rowGroupRows?: number;
  /** ... or at about this size (64MB). Until then it is held in memory. */
  readonly rowGroupBytes?: Size;
}

/**
 * Parquet, a format of files and of the bodies of HTTP requests.
 *
 * ```ts
 * import { type Parquet, parquet, schema, t } from "millrace";
 * const Price = schema({ price: t.int64() });
 * const format: Parquet<typeof Price.shape> = parquet(Price);
 * ```
 */
export interface Parquet<S extends Shape | undefined = undefined> {
  readonly format: "parquet";
  readonly schema: S extends Shape ? Schema<S> : undefined;
  readonly config: FormatConfig;
}

/**
 * Parquet: with the columns for a source, which may be some of those that files have; without for a sink.
 *
 * ```ts
 * import { files, job, parquet, schema, t } from "millrace";
 * const Bid = schema({ auction: t.int64(), price: t.int64() });
 * export default job("large-bids", (j) =>
 *   j
 *     .source(files({ paths: "bids/*.parquet", format: parquet(Bid) }))
 *     .filter((bid) => bid.price.gt(1000))
 *     .to(files({ directory: "large-bids", format: parquet({ compression: "zstd" }) })),
 * );
 * ```
 */
export function parquet(options?: ParquetOptions): Parquet;
export function parquet<S extends Shape>(schema: Schema<S>): Parquet<S>;
export function parquet(given: ParquetOptions | Schema = {}): unknown {
  const [schema, options] = given instanceof Schema ? [given, {}] : [undefined, given];
  const { compression = "snappy", rowGroupRows = 1_000_000, rowGroupBytes = "64MB" }: ParquetOptions = options;
  if (!Number.isSafeInteger(rowGroupRows) || rowGroupRows < 1 || rowGroupRows > 2 ** 31) {
    throw new PlanError(`parquet: rowGroupRows is ${rowGroupRows}: give a whole number of rows, at least 1`);
  }
  const config: FormatConfig = {
    kind: "parquet",
    codec: compression === "none" ? "" : compression,
    rowGroupRows,
    rowGroupBytes: bytes(rowGroupBytes, "rowGroupBytes"),
  };
  return { format: "parquet", schema, config };
}
