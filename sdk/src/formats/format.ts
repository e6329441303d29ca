import type { Json } from "../connectors/connector.js";
import type { Shape } from "../schema/type.js";
import type { Avro } from "./avro.js";
import type { FormatConfig } from "./config.js";
import type { Csv } from "./csv.js";
import type { Debezium } from "./debezium.js";
import type { JsonSchema } from "./json-schema.js";
import type { Parquet } from "./parquet.js";
import type { Protobuf } from "./protobuf.js";
import type { Raw } from "./raw.js";
import type { Upsert } from "./upsert.js";

/**
 * How records are written: made by `json`, `jsonSchema`, `avro`, `protobuf`, `csv` or `raw`.
 *
 * ```ts
 * import { avro, env, type Format, json, kafka } from "millrace";
 * const format: Format = env("FORMAT", "json") === "avro" ? avro() : json();
 * const sink = kafka({ topic: "prices", brokers: "localhost:9092", format });
 * ```
 */
export type Format<S extends Shape | undefined = undefined> =
  | Json<S>
  | JsonSchema<S>
  | Avro<S>
  | Protobuf<S>
  | Csv<S>
  | Raw<S>;

/**
 * How a source's records are written: a format with columns, or `debezium` or `upsert` around one.
 *
 * ```ts
 * import { json, kafka, type Shape, type SourceFormat, schema, t, upsert } from "millrace";
 * const read = <S extends Shape>(format: SourceFormat<S>) => kafka({ topic: "prices", brokers: "localhost:9092", format });
 * const prices = read(upsert(json(schema({ item: t.string(), price: t.int64() })), { key: "item" }));
 * ```
 */
export type SourceFormat<S extends Shape> = Format<S> | Debezium<S> | Upsert<S>;

/**
 * How files are written: made as a `Format` is, or by `parquet`.
 *
 * ```ts
 * import { env, type FileFormat, files, json, parquet } from "millrace";
 * const format: FileFormat = env("FORMAT", "json") === "parquet" ? parquet() : json();
 * const sink = files({ directory: "prices", format });
 * ```
 */
export type FileFormat<S extends Shape | undefined = undefined> = Format<S> | Parquet<S>;

/** What a step says of its format. */
export function configOf(format: FileFormat<Shape | undefined> | SourceFormat<Shape>): {
  readonly format?: FormatConfig;
} {
  return "config" in format ? { format: format.config } : {};
}
