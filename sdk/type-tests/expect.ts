import type { Column, Row, Schema, SourceStream, Stream, t } from "millrace";

/** Whether two types are the same: neither wider, and no `any` in the place of either. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles where the claim holds: `expect<Equal<A, B>>()`. */
export declare function expect<_Claim extends true>(): void;

/** Compiles where a value is of exactly this type: `exactly<Expr<Int64>>()(row.price.add(1))`. */
export declare function exactly<T>(): <V>(value: V, ...differs: Equal<T, V> extends true ? [] : [never]) => void;

/** The rows of a stream as user functions see them. */
export type RowsOf<T> = T extends SourceStream<infer S> | Stream<infer S> ? Row<Schema<S>> : never;

type TypeOf<C> = C extends Column<infer T> ? T : never;
export type Bool = TypeOf<ReturnType<typeof t.bool>>;
export type Int32 = TypeOf<ReturnType<typeof t.int32>>;
export type Int64 = TypeOf<ReturnType<typeof t.int64>>;
export type Float64 = TypeOf<ReturnType<typeof t.float64>>;
export type Decimal = TypeOf<ReturnType<typeof t.decimal>>;
export type Text = TypeOf<ReturnType<typeof t.string>>;
export type Bytes = TypeOf<ReturnType<typeof t.bytes>>;
export type Day = TypeOf<ReturnType<typeof t.date>>;
export type Timestamp<U extends "s" | "ms" | "us" | "ns"> = TypeOf<ReturnType<typeof t.timestamp<U>>>;
export type Null = Exclude<TypeOf<ReturnType<Column<Bool>["nullable"]>>, Bool>;
