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

/**
 * Strings and bytes, decoded when they are looked at.
 *
 * ```ts
 * import type { TextColumn } from "millrace";
 * const longest = (names: TextColumn<string>) => Math.max(...Array.from(names, (name) => name.length));
 * ```
 */
export interface TextColumn<T> {
  readonly length: number;
  get(row: number): T;
  [Symbol.iterator](): Iterator<T>;
}

/**
 * A column of a batch. Numbers are typed arrays over memory that holds the next batch, too: read them, do not write them, and
 * do not keep them after the call. Where a value is null they hold anything; ask `batch.isNull(name, row)`.
 *
 * ```ts
 * import type { BatchColumn } from "millrace";
 * const total = (prices: BatchColumn<{ kind: "int64" }>) => prices.reduce((sum, price) => sum + price, 0n);
 * ```
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

/**
 * What `.mapBatch` gets: some thousand rows as columns.
 *
 * ```ts
 * import { type Batch, schema, t } from "millrace";
 * const Bid = schema({ price: t.int64() });
 * const isFree = (batch: Batch<typeof Bid.shape>) => Array.from(batch.columns.price, (price) => price === 0n);
 * ```
 */
export interface Batch<S extends Shape> {
  readonly length: number;
  readonly columns: { readonly [K in keyof S]: BatchColumn<NonNull<S[K]>> };
  isNull(column: keyof S & string, row: number): boolean;
}

/**
 * What `.mapBatch` returns: a column each, as a typed array of its type or as an array of values. It is copied, so a
 * function may return the same arrays each time. A column that is returned as it came is not looked at, nulls and all.
 *
 * ```ts
 * import { type Batch, type BatchResult, schema, t } from "millrace";
 * const Bid = schema({ price: t.int64() });
 * const Cents = schema({ cents: t.int64() });
 * const toCents = ({ columns }: Batch<typeof Bid.shape>): BatchResult<typeof Cents.shape> => ({
 *   cents: columns.price.map((price) => price * 100n),
 * });
 * ```
 */
export type BatchResult<S extends Shape> = {
  readonly [K in keyof S]: BatchColumn<NonNull<S[K]>> | readonly ValueOf<S[K]>[];
};
