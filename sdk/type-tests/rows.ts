import { type Columns, type Schema, type Stream, schema, t } from "millrace";

/** A column of every type. */
export const Everything = schema({
  flag: t.bool(),
  small: t.int32(),
  large: t.int64(),
  ratio: t.float64(),
  money: t.decimal(10, 2),
  name: t.string(),
  raw: t.bytes(),
  seconds: t.timestamp("s"),
  at: t.timestamp("ms"),
  exact: t.timestamp("us"),
  day: t.date(),
  tags: t.list(t.string()),
  place: t.struct({ city: t.string(), zip: t.int32().nullable() }),
  maybe: t.int64().nullable(),
  note: t.string().nullable(),
  until: t.timestamp("ms").nullable(),
});

type ShapeOf<S> = S extends Schema<infer Shape> ? Shape : never;
export declare const row: Columns<ShapeOf<typeof Everything>>;
export declare const rows: Stream<ShapeOf<typeof Everything>>;
