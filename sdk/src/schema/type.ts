/**
 * The types of columns. A type with `Null` in its union may be null.
 *
 * ```ts
 * import { type DataType, schema, t } from "millrace";
 * const types: DataType[] = schema({ id: t.int64(), name: t.string() }).fields.map((field) => field.type);
 * ```
 */
export type DataType =
  | Bool
  | Int32
  | Int64
  | Float64
  | Decimal
  | Text
  | Bytes
  | Timestamp
  | Day
  | List<AnyType>
  | Struct<Shape>;

export interface Bool {
  readonly kind: "bool";
}
export interface Int32 {
  readonly kind: "int32";
}
/** Exact in the core; a bigint in JavaScript. */
export interface Int64 {
  readonly kind: "int64";
}
export interface Float64 {
  readonly kind: "float64";
}
/** Exact decimal numbers of up to 38 digits; strings in JavaScript. */
export interface Decimal {
  readonly kind: "decimal";
  readonly precision: number;
  readonly scale: number;
}
export interface Text {
  readonly kind: "string";
}
export interface Bytes {
  readonly kind: "bytes";
}
export type TimeUnit = "s" | "ms" | "us" | "ns";
/** A moment, in UTC. */
export interface Timestamp<U extends TimeUnit = TimeUnit> {
  readonly kind: "timestamp";
  readonly unit: U;
}
/** A calendar day. */
export interface Day {
  readonly kind: "date";
}
export interface List<T extends AnyType> {
  readonly kind: "list";
  readonly item: Field;
  readonly [item]?: T;
}
export interface Struct<S extends Shape> {
  readonly kind: "struct";
  readonly fields: readonly Field[];
  readonly [shape]?: S;
}
/** Stands beside a type whose values may be null. */
export interface Null {
  readonly kind: "null";
}

export type AnyType = DataType | Null;
export type Numeric = Int32 | Int64 | Float64 | Decimal;

/**
 * The columns of a row, by name.
 *
 * ```ts
 * import type { Schema, Shape, Source } from "millrace";
 * const schemaOf = <S extends Shape>(source: Source<S>): Schema<S> => source.schema;
 * ```
 */
export type Shape = Readonly<Record<string, AnyType>>;

/**
 * A column as the plan knows it.
 *
 * ```ts
 * import { type Field, schema, t } from "millrace";
 * const required: Field[] = schema({ id: t.int64(), note: t.string().nullable() }).fields.filter((field) => !field.nullable);
 * ```
 */
export interface Field {
  readonly name: string;
  readonly type: DataType;
  readonly nullable: boolean;
}

declare const item: unique symbol;
declare const shape: unique symbol;

/** Types whose values have an order. */
export type Ordered = Exclude<DataType, List<AnyType> | Struct<Shape>>;

/** The type without null. */
export type NonNull<T> = Extract<T, DataType>;
/** `Null` where the type may be null. */
export type NullOf<T> = Extract<T, Null>;

/** A column's value in a JavaScript row. */
export type ValueOf<T> = T extends Null
  ? null
  : T extends Bool
    ? boolean
    : T extends Int32 | Float64
      ? number
      : T extends Int64
        ? bigint
        : T extends Decimal | Text | Day
          ? string
          : T extends Bytes
            ? Uint8Array
            : T extends Timestamp<"s" | "ms">
              ? number
              : T extends Timestamp
                ? bigint
                : T extends List<infer I>
                  ? ValueOf<I>[]
                  : T extends Struct<infer S>
                    ? RowOf<S>
                    : never;

/** Spelled out, so that an editor shows the columns and not how they came about. */
export type Simplify<T> = { [K in keyof T]: T[K] } & {};

/** A row of a shape, as user functions see it. */
export type RowOf<S extends Shape> = { -readonly [K in keyof S]: ValueOf<S[K]> };

/** How messages call a type: "int64", "decimal(10, 2)", "list of string". */
export function typeName(type: DataType): string {
  switch (type.kind) {
    case "decimal":
      return `decimal(${type.precision}, ${type.scale})`;
    case "timestamp":
      return `timestamp(${type.unit})`;
    case "list":
      return `list of ${typeName(type.item.type)}`;
    case "struct":
      return `struct of ${type.fields.map((field) => field.name).join(", ")}`;
    default:
      return type.kind;
  }
}

/** Whether two types are the same, names of fields included. */
export function sameType(a: DataType, b: DataType): boolean {
  if (a.kind === "decimal" && b.kind === "decimal") return a.precision === b.precision && a.scale === b.scale;
  if (a.kind === "timestamp" && b.kind === "timestamp") return a.unit === b.unit;
  if (a.kind === "list" && b.kind === "list") return sameFields([a.item], [b.item]);
  if (a.kind === "struct" && b.kind === "struct") return sameFields(a.fields, b.fields);
  return a.kind === b.kind;
}

export function sameFields(a: readonly Field[], b: readonly Field[]): boolean {
  return (
    a.length === b.length &&
    a.every((field, index) => {
      const other = b[index] as Field;
      return field.name === other.name && field.nullable === other.nullable && sameType(field.type, other.type);
    })
  );
}

export function isNumeric(type: DataType): type is Numeric {
  return type.kind === "int32" || type.kind === "int64" || type.kind === "float64" || type.kind === "decimal";
}
