import type { Duration } from "../duration.js";
import type { Column } from "../schema/schema.js";
import type {
  AnyType,
  Bool,
  Bytes,
  DataType,
  Day,
  Decimal,
  Float64,
  Int32,
  Int64,
  List,
  NonNull,
  Null,
  NullOf,
  Numeric,
  Shape,
  Struct,
  Text,
  Timestamp,
} from "../schema/type.js";

declare const carried: unique symbol;
declare const named: unique symbol;

/** Something of a type: what operands are asked to be. */
export interface Typed<T extends AnyType> {
  readonly [carried]: T;
}

/**
 * An expression over the columns of a stream. It describes, it does not compute: the core does that.
 *
 * ```ts
 * import { type Expr, generator, type JobBuilder } from "millrace";
 * const isCheap = (price: Expr<{ kind: "int64" }>) => price.lt(100);
 * const cheap = (j: JobBuilder) => j.source(generator.bids()).filter((bid) => isCheap(bid.price));
 * ```
 */
export type Expr<T extends AnyType = AnyType> = Common<T> & MethodsOf<NonNull<T>, NullOf<T>>;

/** Something of a type that has a name. */
export interface TypedName<T extends AnyType, N extends string> extends Typed<T> {
  readonly [named]: N;
}

/**
 * An expression with a name: a column, or `expr.as("name")`.
 *
 * ```ts
 * import type { Named } from "millrace";
 * type Price = Named<{ kind: "int64" }, "price">;
 * const isLarge = (price: Price) => price.gt(1000);
 * ```
 */
export type Named<T extends AnyType, N extends string> = Expr<T> & TypedName<T, N>;

/**
 * The columns of a row as expressions.
 *
 * ```ts
 * import { type Columns, schema, t } from "millrace";
 * const Order = schema({ count: t.int64(), price: t.int64() });
 * const total = (order: Columns<typeof Order.shape>) => order.count.mul(order.price);
 * ```
 */
export type Columns<S extends Shape> = { readonly [K in keyof S & string]: Named<S[K], K> };

/** The type of an expression. */
export type TypeOf<E> = E extends Typed<infer T> ? T : never;

type MethodsOf<D, N extends Null> = [D] extends [never]
  ? unknown
  : [D] extends [Numeric]
    ? NumericMethods<D, N>
    : [D] extends [Text]
      ? TextMethods<N>
      : [D] extends [Bool]
        ? BoolMethods<N>
        : [D] extends [Timestamp]
          ? TimestampMethods<D, N>
          : [D] extends [Day]
            ? TimeMethods<D, N>
            : [D] extends [List<infer I>]
              ? ListMethods<I, N>
              : [D] extends [Struct<infer S>]
                ? StructMethods<S, N>
                : unknown;

/** The JavaScript values that stand for one of type D. */
type LiteralOf<D> = [D] extends [Numeric]
  ? number | bigint
  : [D] extends [Text | Day]
    ? string
    : [D] extends [Bool]
      ? boolean
      : [D] extends [Timestamp]
        ? Date | number | bigint
        : [D] extends [Bytes]
          ? Uint8Array
          : never;

/** The JavaScript values that `lit` takes for a column of type T. */
export type Literal<T extends AnyType> =
  | LiteralOf<NonNull<T>>
  | ([NonNull<T>] extends [Decimal] ? string : never)
  | ([NullOf<T>] extends [never] ? never : null);

/** The types that go together with D. */
type Like<D extends DataType> = [D] extends [Numeric] ? Numeric : [D] extends [Timestamp] ? Timestamp : D;

/** What may stand beside an expression of type D: another of its kind, or a literal. */
export type Operand<D extends DataType> = Typed<Like<D> | Null> | LiteralOf<D>;

type Nulls<O> = O extends Typed<infer T> ? NullOf<T> : never;

/** The type of a value that is of one type or the other. */
export type Either<D extends DataType, O> = D extends Numeric
  ? Wider<D | (O extends Typed<infer T> ? NonNull<T> : never)>
  : D extends Timestamp
    ? Finer<D | (O extends Typed<infer T> ? NonNull<T> : never)>
    : D;

/** The same where either may be null. */
export type EitherOrNull<T extends AnyType, O> = Either<NonNull<T>, O> | NullOf<T> | Nulls<O>;

/** The widest of a union of numeric types. */
type Wider<U> = [Extract<U, Float64>] extends [never]
  ? [Extract<U, Decimal>] extends [never]
    ? [Extract<U, Int64>] extends [never]
      ? Int32
      : Int64
    : Decimal
  : Float64;

/** The finest of a union of timestamps. */
type Finer<U> = [Extract<U, Timestamp<"ns">>] extends [never]
  ? [Extract<U, Timestamp<"us">>] extends [never]
    ? [Extract<U, Timestamp<"ms">>] extends [never]
      ? Timestamp<"s">
      : Timestamp<"ms">
    : Timestamp<"us">
  : Timestamp<"ns">;

/** What every expression can do. */
export interface Common<T extends AnyType> extends Typed<T> {
  eq<O extends Operand<NonNull<T>>>(other: O): Expr<Bool | NullOf<T> | Nulls<O>>;
  ne<O extends Operand<NonNull<T>>>(other: O): Expr<Bool | NullOf<T> | Nulls<O>>;
  lt<O extends Operand<NonNull<T>>>(other: O): Expr<Bool | NullOf<T> | Nulls<O>>;
  lte<O extends Operand<NonNull<T>>>(other: O): Expr<Bool | NullOf<T> | Nulls<O>>;
  gt<O extends Operand<NonNull<T>>>(other: O): Expr<Bool | NullOf<T> | Nulls<O>>;
  gte<O extends Operand<NonNull<T>>>(other: O): Expr<Bool | NullOf<T> | Nulls<O>>;
  /** From `low` to `high`, both included. */
  between<L extends Operand<NonNull<T>>, H extends Operand<NonNull<T>>>(
    low: L,
    high: H,
  ): Expr<Bool | NullOf<T> | Nulls<L | H>>;
  /** Equal to one of the values. */
  in<const O extends readonly Operand<NonNull<T>>[]>(values: O): Expr<Bool | NullOf<T> | Nulls<O[number]>>;
  isNull(): Expr<Bool>;
  isNotNull(): Expr<Bool>;
  /** The value, or `other` where it is null. */
  coalesce<O extends Operand<NonNull<T>>>(other: O): Expr<Either<NonNull<T>, O> | Nulls<O>>;
  /** Null where the value equals `other`. */
  nullIf(other: Operand<NonNull<T>>): Expr<T | Null>;
  /** Another type; a value that does not fit fails the job. */
  cast<C extends AnyType>(to: Column<C>): Expr<NonNull<C> | NullOf<T>>;
  /** Another type; null where a value does not fit. */
  tryCast<C extends AnyType>(to: Column<C>): Expr<NonNull<C> | Null>;
  /** Gives it a name, as a key needs one. */
  as<N extends string>(name: N): Named<T, N>;
}

type NumericOperand = Typed<Numeric | Null> | number | bigint;
type Arithmetic<D extends Numeric, N extends Null, O> = Expr<Either<D, O> | N | Nulls<O>>;

/**
 * Numbers of different types widen: int32 to int64, either to float64. An overflow is an error, never a wrong number.
 * Decimals keep their digits: a product has as many behind the point as both together, a quotient 4 more than the first.
 */
export interface NumericMethods<D extends Numeric, N extends Null> {
  add<O extends NumericOperand>(other: O): Arithmetic<D, N, O>;
  sub<O extends NumericOperand>(other: O): Arithmetic<D, N, O>;
  mul<O extends NumericOperand>(other: O): Arithmetic<D, N, O>;
  /** Between integers: cut towards zero; by zero an error. */
  div<O extends NumericOperand>(other: O): Arithmetic<D, N, O>;
  mod<O extends NumericOperand>(other: O): Arithmetic<D, N, O>;
  neg(): Expr<D | N>;
  abs(): Expr<D | N>;
  round(): Expr<Float64 | N>;
  floor(): Expr<Float64 | N>;
  ceil(): Expr<Float64 | N>;
  /** Of a negative number: an error. */
  sqrt(): Expr<Float64 | N>;
  power<O extends NumericOperand>(exponent: O): Expr<Float64 | N | Nulls<O>>;
}

export interface BoolMethods<N extends Null> {
  and<O extends Operand<Bool>>(other: O): Expr<Bool | N | Nulls<O>>;
  or<O extends Operand<Bool>>(other: O): Expr<Bool | N | Nulls<O>>;
  not(): Expr<Bool | N>;
}

type TextOperand = Operand<Text>;
type IntOperand = Typed<Int32 | Int64 | Null> | number;

export interface TextMethods<N extends Null> {
  upper(): Expr<Text | N>;
  lower(): Expr<Text | N>;
  /** Without spaces at either end. */
  trim(): Expr<Text | N>;
  /** Characters. */
  length(): Expr<Int64 | N>;
  concat<const O extends readonly TextOperand[]>(...others: O): Expr<Text | N | Nulls<O[number]>>;
  /** From character `start` (from 0), at most `length` of them. */
  substring<S extends IntOperand, L extends IntOperand = number>(start: S, length?: L): Expr<Text | N | Nulls<S | L>>;
  startsWith<O extends TextOperand>(prefix: O): Expr<Bool | N | Nulls<O>>;
  endsWith<O extends TextOperand>(suffix: O): Expr<Bool | N | Nulls<O>>;
  contains<O extends TextOperand>(part: O): Expr<Bool | N | Nulls<O>>;
  /** With every `part` replaced. */
  replace<P extends TextOperand, B extends TextOperand>(part: P, by: B): Expr<Text | N | Nulls<P | B>>;
  /** A pattern with % for anything and _ for one character. */
  like(pattern: string): Expr<Bool | N>;
  /** Part number `index` (from 1) between the separators. */
  splitPart(separator: string, index: number): Expr<Text | N>;
  /** Whether a regular expression (Rust's dialect: no look-around, no back references) matches anywhere. */
  matches(pattern: RegExp | string): Expr<Bool | N>;
  /** A group of the first match, the whole of it by default; null where there is none. */
  extract(pattern: RegExp | string, group?: number): Expr<Text | Null>;
  /** With every match replaced; `$1` or `${name}` stands for a group, `$$` for a dollar sign. */
  replaceRegex(pattern: RegExp | string, by: string): Expr<Text | N>;
}

export type TruncateUnit = "second" | "minute" | "hour" | "day" | "week" | "month" | "year";

/** What timestamps and dates can do. */
export interface TimeMethods<D extends Timestamp | Day, N extends Null> {
  /** The start of the hour, the day, ... (UTC; a week starts on Monday). */
  truncate(unit: TruncateUnit): Expr<D | N>;
  /** The hour of the day, the day of the month, the ISO week, ... as a number. */
  extract(unit: TruncateUnit): Expr<Int64 | N>;
  epochMilliseconds(): Expr<Int64 | N>;
}

export interface TimestampMethods<D extends Timestamp, N extends Null> extends TimeMethods<D, N> {
  plus(duration: Duration): Expr<D | N>;
  minus(duration: Duration): Expr<D | N>;
  /** The milliseconds from another moment to this one. */
  since<O extends Operand<Timestamp>>(other: O): Expr<Int64 | N | Nulls<O>>;
}

export interface ListMethods<I extends AnyType, N extends Null> {
  /** Item number `index`, from 0; null outside of the list. */
  at(index: IntOperand): Expr<I | N | Null>;
  length(): Expr<Int32 | N>;
}

export interface StructMethods<S extends Shape, N extends Null> {
  get<K extends keyof S & string>(field: K): Expr<S[K] | N>;
}
