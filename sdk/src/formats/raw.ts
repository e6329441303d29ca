import type { Schema } from "../schema/schema.js";
import type { Bytes, Null, Shape, Text } from "../schema/type.js";
import type { FormatConfig } from "./config.js";

/**
 * Records as they are.
 *
 * ```ts
 * import { type Raw, raw, schema, t } from "millrace";
 * const Line = schema({ value: t.string() });
 * const format: Raw<typeof Line.shape> = raw(Line);
 * ```
 */
export interface Raw<S extends Shape | undefined = undefined> {
  readonly format: "raw";
  readonly schema: S extends Shape ? Schema<S> : undefined;
  readonly config: FormatConfig;
}

/** The one column that a record is. */
type Whole = { readonly value: Text | Bytes | Null };

/**
 * Records as they are: a source has one column `value`, of strings or bytes; a sink writes rows of one such column.
 *
 * ```ts
 * import { files, job, kafka, raw, schema, t } from "millrace";
 * const Line = schema({ value: t.string() });
 * export default job("lines", (j) =>
 *   j
 *     .source(files({ paths: "logs/*.txt", format: raw(Line), follow: true }))
 *     .to(kafka({ topic: "lines", brokers: "localhost:9092", format: raw() })),
 * );
 * ```
 */
export function raw(): Raw;
export function raw<S extends Whole>(schema: Schema<S>): Raw<S>;
export function raw(schema?: Schema): unknown {
  return { format: "raw", schema, config: { kind: "raw" } };
}
