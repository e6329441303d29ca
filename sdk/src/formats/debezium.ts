import type { Json } from "../connectors/connector.js";
import { PlanError } from "../errors.js";
import { Schema } from "../schema/schema.js";
import type { Field, Null, Shape, Simplify, Text, Timestamp } from "../schema/type.js";
import type { Avro } from "./avro.js";
import type { FormatConfig } from "./config.js";
import type { JsonSchema } from "./json-schema.js";
import type { Protobuf } from "./protobuf.js";

/** What a change has beside the columns of its row. */
type ChangeColumns = { readonly op: Text; readonly sourceTime: Timestamp<"ms"> | Null };
/** The columns of a change event's rows. */
type Change<S extends Shape> = Simplify<S & ChangeColumns>;

const CHANGE_COLUMNS: readonly Field[] = [
  { name: "op", type: { kind: "string" }, nullable: false },
  { name: "sourceTime", type: { kind: "timestamp", unit: "ms" }, nullable: true },
];

/**
 * Change events of Debezium.
 *
 * ```ts
 * import { type Debezium, debezium, json, kafka, type Shape, schema, t } from "millrace";
 * const read = <S extends Shape>(format: Debezium<S>) => kafka({ topic: "shop.orders", brokers: "localhost:9092", format });
 * const orders = read(debezium(json(schema({ id: t.int64(), total: t.decimal(9, 2).nullable() }))));
 * ```
 */
export interface Debezium<S extends Shape> {
  readonly format: "debezium";
  readonly schema: Schema<S>;
  readonly config: FormatConfig;
}

/**
 * Change events of Debezium, for a source. Each is a row: its columns after the change, or before it where the row was deleted;
 * `op`, which is "c" (created), "u" (updated), "d" (deleted) or "r" (read by a snapshot); and `sourceTime`, when the database
 * made the change. The format within is that of the envelope and has the columns of the table.
 *
 * ```ts
 * import { debezium, job, json, kafka, schema, t } from "millrace";
 * const brokers = "localhost:9092";
 * const Order = schema({ id: t.int64(), total: t.decimal(9, 2).nullable() });
 * export default job("deleted-orders", (j) =>
 *   j
 *     .source(kafka({ topic: "shop.public.orders", brokers, format: debezium(json(Order)) }))
 *     .filter((order) => order.op.eq("d"))
 *     .to(kafka({ topic: "deleted-orders", brokers, format: json() })),
 * );
 * ```
 */
export function debezium<S extends Shape>(
  format: Json<S> | JsonSchema<S> | Avro<S> | Protobuf<S>,
): Debezium<Change<S>> {
  const schema = format.schema as Schema | undefined;
  if (schema === undefined) throw new PlanError("debezium: it is read, and not written: give its format the columns");
  const taken = schema.fields.find(({ name }) => CHANGE_COLUMNS.some((column) => column.name === name));
  if (taken !== undefined) throw new PlanError(`debezium: it has a column "${taken.name}" of its own: leave out yours`);
  const config: FormatConfig = { kind: "debezium", of: "config" in format ? format.config : undefined };
  return { format: "debezium", schema: new Schema([...schema.fields, ...CHANGE_COLUMNS]), config };
}
