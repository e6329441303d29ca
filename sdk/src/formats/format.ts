import type { Json } from "../connectors/connector.js";
import type { Shape } from "../schema/type.js";
import type { Avro } from "./avro.js";
import type { FormatConfig } from "./config.js";
import type { Csv } from "./csv.js";
import type { Raw } from "./raw.js";

/**
 * How records are written: made by `json`, `avro`, `csv` or `raw`.
 *
 * ```ts
 * import { avro, env, type Format, json, kafka } from "millrace";
 * const format: Format = env("FORMAT", "json") === "avro" ? avro() : json();
 * const sink = kafka({ topic: "prices", brokers: "localhost:9092", format });
 * ```
 */
export type Format<S extends Shape | undefined = undefined> = Json<S> | Avro<S> | Csv<S> | Raw<S>;

/** What a step says of its format. */
export function configOf(format: Format<Shape | undefined>): { readonly format?: FormatConfig } {
  return "config" in format ? { format: format.config } : {};
}
