import type {
  Bool,
  Bytes,
  Day,
  Decimal,
  Float64,
  Int32,
  Int64,
  List,
  NonNull,
  RowOf,
  Shape,
  Struct,
  Text,
  Timestamp,
  ValueOf,
} from "./schema/type.js";

/** Strings and bytes, decoded when they are looked at. */
export interface TextColumn<T> {
  readonly length: number;
  get(row: number): T;
  [Symbol.iterator](): Iterator<T>;
}

/**
 * A column of a batch. Numbers are typed arrays over the core's own memory: read them, do not write them, and do not
 * keep them after the call. Where a value is null they hold anything; ask `batch.isNull(name, row)`.
 */
export type BatchColumn<T> = [T] extends [Int32 | Day]
  ? Int32Array
  : [T] extends [Int64 | Timestamp]
    ? BigInt64Array
    : [T] extends [Float64]
      ? Float64Array
      : [T] extends [Bool]
        ? Uint8Array
        : [T] extends [Text | Decimal]
          ? TextColumn<string>
          : [T] extends [Bytes]
            ? TextColumn<Uint8Array>
            : [T] extends [List<infer I>]
              ? TextColumn<ValueOf<I>[]>
              : [T] extends [Struct<infer S>]
                ? TextColumn<RowOf<S>>
                : never;

/** What `.mapBatch` gets: some thousand rows as columns. */
export interface Batch<S extends Shape> {
  readonly length: number;
  readonly columns: { readonly [K in keyof S]: BatchColumn<NonNull<S[K]>> };
  isNull(column: keyof S & string, row: number): boolean;
}

/** What `.mapBatch` returns: a column each, as a typed array of its type or as an array of values. */
export type BatchResult<S extends Shape> = {
  readonly [K in keyof S]: BatchColumn<NonNull<S[K]>> | readonly ValueOf<S[K]>[];
};
