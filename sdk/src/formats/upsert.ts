import { PlanError } from "../errors.js";
import { Schema } from "../schema/schema.js";
import type { Bool, Null, Shape, Simplify } from "../schema/type.js";
import type { FormatConfig } from "./config.js";
import { configOf, type Format } from "./format.js";

/** The columns of a row that may have been deleted: null, but for its key. */
type Upserted<S extends Shape, K extends keyof S> = Simplify<
  { readonly [C in keyof S]: C extends K ? S[C] : S[C] | Null } & { readonly deleted: Bool }
>;

const KEYS = ["string", "bytes", "int32", "int64"];

/**
 * Records of which each replaces the one before with the same key.
 *
 * ```ts
 * import { json, schema, t, type Upsert, upsert } from "millrace";
 * const Price = schema({ item: t.string(), price: t.int64() });
 * const format: Upsert<{ item: { kind: "string" }; price: { kind: "int64" } | { kind: "null" }; deleted: { kind: "bool" } }> =
 *   upsert(json(Price), { key: "item" });
 * ```
 */
export interface Upsert<S extends Shape> {
  readonly format: "upsert";
  readonly schema: Schema<S>;
  readonly config: FormatConfig;
}

/**
 * Upserts, for a source from Kafka: a record without a value deletes what has its key. It becomes a row of nulls, but for the
 * column `key`, which is read from the record's key as text, and `deleted` is true. So all other columns are nullable.
 *
 * ```ts
 * import { job, json, kafka, schema, t, upsert } from "millrace";
 * const brokers = "localhost:9092";
 * const Price = schema({ item: t.string(), price: t.int64() });
 * export default job("prices", (j) =>
 *   j
 *     .source(kafka({ topic: "prices", brokers, format: upsert(json(Price), { key: "item" }) }))
 *     .to(
 *       kafka({ topic: "copy", brokers, format: json(), key: (price) => price.item, tombstone: (price) => price.deleted }),
 *     ),
 * );
 * ```
 */
export function upsert<S extends Shape, K extends keyof S & string>(
  format: Format<S>,
  { key }: { readonly key: K },
): Upsert<Upserted<S, K>> {
  const schema = format.schema as Schema | undefined;
  if (schema === undefined) {
    throw new PlanError("upsert: it is read; a sink has an option tombstone for what is deleted: leave out upsert");
  }
  const column = schema.fields.find(({ name }) => name === key);
  if (column === undefined) throw new PlanError(`upsert: there is no column "${key}" for the key`);
  if (!KEYS.includes(column.type.kind)) throw new PlanError(`upsert: column "${key}" is no ${KEYS.join(", ")}`);
  if (schema.fields.some(({ name }) => name === "deleted")) {
    throw new PlanError('upsert: it has a column "deleted" of its own: leave out yours');
  }
  const fields = schema.fields.map((field) => (field === column ? field : { ...field, nullable: true }));
  const config: FormatConfig = { kind: "upsert", of: configOf(format).format, key };
  const deleted = { name: "deleted", type: { kind: "bool" }, nullable: false } as const;
  return { format: "upsert", schema: new Schema([...fields, deleted]), config };
}
