import { PlanError } from "../errors.js";
import type {
  AnyType,
  Bool,
  Bytes,
  DataType,
  Day,
  Decimal,
  Field,
  Float64,
  Int32,
  Int64,
  List,
  Null,
  RowOf,
  Shape,
  Simplify,
  Struct,
  Text,
  Timestamp,
  TimeUnit,
} from "./type.js";

/**
 * A column of a schema.
 *
 * ```ts
 * import { type Column, schema, t } from "millrace";
 * const id: Column<{ kind: "int64" }> = t.int64();
 * const Order = schema({ id, parent: id.nullable() });
 * ```
 */
export class Column<T extends AnyType> {
  constructor(
    readonly type: DataType,
    readonly isNullable: boolean = false,
  ) {}

  /** The same column, whose values may be null or missing. */
  nullable(): Column<T | Null> {
    return new Column<T | Null>(this.type, true);
  }

  /** Carries the type; never there at run time. */
  declare protected readonly carried: T;
}

type ColumnType<C> = C extends Column<infer T> ? T : never;
export type Columns = Readonly<Record<string, Column<AnyType>>>;
export type ShapeOf<C extends Columns> = { readonly [K in keyof C]: ColumnType<C[K]> };

/**
 * The columns of records: a value that carries the type of its rows.
 *
 * ```ts
 * import { type Schema, schema, t } from "millrace";
 * const columnsOf = (of: Schema) => of.fields.map((field) => field.name);
 * const names = columnsOf(schema({ auction: t.int64(), price: t.int64() }));
 * ```
 */
export class Schema<S extends Shape = Shape> {
  constructor(readonly fields: readonly Field[]) {}

  /** Carries the shape; never there at run time. */
  declare readonly shape: S;
}

/**
 * The type of a schema's rows in JavaScript.
 *
 * ```ts
 * import { type Row, schema, t } from "millrace";
 * const Bid = schema({ auction: t.int64(), channel: t.string().nullable() });
 * type Bid = Row<typeof Bid>;
 * const bid: Bid = { auction: 1n, channel: null };
 * ```
 */
export type Row<S> = S extends Schema<infer Sh> ? RowOf<Sh> : never;

/**
 * Declares the columns of records. Columns that no step reads are never decoded.
 *
 * ```ts
 * import { schema, t } from "millrace";
 * const Bid = schema({ auction: t.int64(), price: t.int64(), channel: t.string().nullable() });
 * ```
 */
export function schema<C extends Columns>(columns: C): Schema<Simplify<ShapeOf<C>>> {
  return new Schema(fieldsOf(columns));
}

function fieldsOf(columns: Columns): Field[] {
  const fields = Object.entries(columns).map(([name, column]) => {
    if (!(column instanceof Column))
      throw new PlanError(`schema: column "${name}" is not made by t.int64() or the like`);
    return { name, type: column.type, nullable: column.isNullable };
  });
  if (fields.length === 0) throw new PlanError("schema: it has no columns");
  return fields;
}

/**
 * The types of columns.
 *
 * ```ts
 * import { schema, t } from "millrace";
 * const Order = schema({
 *   id: t.int64(),
 *   total: t.decimal(12, 2),
 *   tags: t.list(t.string()),
 *   address: t.struct({ city: t.string(), zip: t.string().nullable() }),
 *   at: t.timestamp("ms"),
 * });
 * ```
 */
export const t = {
  bool: () => new Column<Bool>({ kind: "bool" }),
  /** A number in JavaScript. */
  int32: () => new Column<Int32>({ kind: "int32" }),
  /** A bigint in JavaScript. */
  int64: () => new Column<Int64>({ kind: "int64" }),
  float64: () => new Column<Float64>({ kind: "float64" }),
  /** `precision` digits (1 to 38), `scale` of them after the point. A string in JavaScript. */
  decimal(precision: number, scale: number): Column<Decimal> {
    const whole = Number.isInteger(precision) && Number.isInteger(scale);
    if (!whole || precision < 1 || precision > 38 || scale < 0 || scale > precision) {
      throw new PlanError(`t.decimal(${precision}, ${scale}): precision is 1 to 38, scale 0 to precision`);
    }
    return new Column<Decimal>({ kind: "decimal", precision, scale });
  },
  string: () => new Column<Text>({ kind: "string" }),
  /** Base64 in JSON, a Uint8Array in JavaScript. */
  bytes: () => new Column<Bytes>({ kind: "bytes" }),
  /** In JSON a number of the unit since the epoch, or RFC 3339. In JavaScript a number ("s", "ms") or a bigint. */
  timestamp: <U extends TimeUnit>(unit: U) => new Column<Timestamp<U>>({ kind: "timestamp", unit }),
  /** "YYYY-MM-DD". */
  date: () => new Column<Day>({ kind: "date" }),
  list<T extends AnyType>(of: Column<T>): Column<List<T>> {
    return new Column<List<T>>({ kind: "list", item: { name: "item", type: of.type, nullable: of.isNullable } });
  },
  struct<C extends Columns>(columns: C): Column<Struct<Simplify<ShapeOf<C>>>> {
    return new Column<Struct<Simplify<ShapeOf<C>>>>({ kind: "struct", fields: fieldsOf(columns) });
  },
} as const;
