import { PlanError } from "../errors.js";
import type {
  AnyType,
  DataType,
  Float64,
  Int32,
  Int64,
  NonNull,
  Null,
  NullOf,
  Numeric,
  Ordered,
} from "../schema/type.js";
import { isNumeric, typeName } from "../schema/type.js";
import type { Expr, Typed } from "./expr.js";
import type { AggregateName } from "./names.js";
import { Value } from "./value.js";

type SumOf<D extends DataType> = [D] extends [Int32] ? Int64 : D;

/**
 * The number of rows, or of values that are not null.
 *
 * ```ts
 * import { type Columns, count, schema, t } from "millrace";
 * const Bid = schema({ bidder: t.int64(), price: t.int64() });
 * const row = (bid: Columns<typeof Bid.shape>) => ({ value: count(bid.price) });
 * ```
 */
export function count(value?: Typed<AnyType>): Expr<Int64> {
  if (value === undefined) return aggregate("Count", undefined, { kind: "int64" }, false) as Expr<Int64>;
  return aggregate("Count", of(value, "count"), { kind: "int64" }, false) as Expr<Int64>;
}

/**
 * The number of different values, exactly: it keeps every one of them.
 *
 * ```ts
 * import { type Columns, countDistinct, schema, t } from "millrace";
 * const Bid = schema({ bidder: t.int64(), price: t.int64() });
 * const row = (bid: Columns<typeof Bid.shape>) => ({ value: countDistinct(bid.bidder) });
 * ```
 */
export function countDistinct(value: Typed<AnyType>): Expr<Int64> {
  return aggregate("CountDistinct", of(value, "countDistinct"), { kind: "int64" }, false) as Expr<Int64>;
}

/**
 * The number of different values to within about 2 %, in a few kilobytes.
 *
 * ```ts
 * import { approxCountDistinct, type Columns, schema, t } from "millrace";
 * const Bid = schema({ bidder: t.int64(), price: t.int64() });
 * const row = (bid: Columns<typeof Bid.shape>) => ({ value: approxCountDistinct(bid.bidder) });
 * ```
 */
export function approxCountDistinct(value: Typed<AnyType>): Expr<Int64> {
  return aggregate("ApproxCountDistinct", of(value, "approxCountDistinct"), { kind: "int64" }, false) as Expr<Int64>;
}

/**
 * The sum; one that does not fit fails the job.
 *
 * ```ts
 * import { type Columns, schema, sum, t } from "millrace";
 * const Bid = schema({ bidder: t.int64(), price: t.int64() });
 * const row = (bid: Columns<typeof Bid.shape>) => ({ value: sum(bid.price) });
 * ```
 */
export function sum<T extends Numeric | Null>(value: Typed<T>): Expr<SumOf<NonNull<T>> | NullOf<T>> {
  const argument = numeric(value, "sum");
  const { type } = argument;
  const wide: DataType =
    type.kind === "decimal"
      ? { ...type, precision: Math.min(38, type.precision + 10) }
      : type.kind === "int32"
        ? { kind: "int64" }
        : type;
  return aggregate("Sum", argument, wide, argument.nullable) as unknown as Expr<SumOf<NonNull<T>> | NullOf<T>>;
}

/**
 * The mean, as float64.
 *
 * ```ts
 * import { avg, type Columns, schema, t } from "millrace";
 * const Bid = schema({ bidder: t.int64(), price: t.int64() });
 * const row = (bid: Columns<typeof Bid.shape>) => ({ value: avg(bid.price) });
 * ```
 */
export function avg<T extends Numeric | Null>(value: Typed<T>): Expr<Float64 | NullOf<T>> {
  const argument = float(numeric(value, "avg"));
  return aggregate("Avg", argument, { kind: "float64" }, argument.nullable) as unknown as Expr<Float64 | NullOf<T>>;
}

/**
 * The least value.
 *
 * ```ts
 * import { type Columns, min, schema, t } from "millrace";
 * const Bid = schema({ bidder: t.int64(), price: t.int64() });
 * const row = (bid: Columns<typeof Bid.shape>) => ({ value: min(bid.price) });
 * ```
 */
export function min<T extends Ordered | Null>(value: Typed<T>): Expr<T> {
  return same("Min", ordered(value, "min")) as unknown as Expr<T>;
}

/**
 * The greatest value.
 *
 * ```ts
 * import { type Columns, max, schema, t } from "millrace";
 * const Bid = schema({ bidder: t.int64(), price: t.int64() });
 * const row = (bid: Columns<typeof Bid.shape>) => ({ value: max(bid.price) });
 * ```
 */
export function max<T extends Ordered | Null>(value: Typed<T>): Expr<T> {
  return same("Max", ordered(value, "max")) as unknown as Expr<T>;
}

/**
 * The earliest value that is not null, by event time.
 *
 * ```ts
 * import { type Columns, first, schema, t } from "millrace";
 * const Bid = schema({ bidder: t.int64(), price: t.int64() });
 * const row = (bid: Columns<typeof Bid.shape>) => ({ value: first(bid.price) });
 * ```
 */
export function first<T extends Ordered | Null>(value: Typed<T>): Expr<T> {
  return same("First", ordered(value, "first")) as unknown as Expr<T>;
}

/**
 * The latest value that is not null, by event time.
 *
 * ```ts
 * import { type Columns, last, schema, t } from "millrace";
 * const Bid = schema({ bidder: t.int64(), price: t.int64() });
 * const row = (bid: Columns<typeof Bid.shape>) => ({ value: last(bid.price) });
 * ```
 */
export function last<T extends Ordered | Null>(value: Typed<T>): Expr<T> {
  return same("Last", ordered(value, "last")) as unknown as Expr<T>;
}

/**
 * The standard deviation of a sample; null for a single row.
 *
 * ```ts
 * import { type Columns, schema, stddev, t } from "millrace";
 * const Bid = schema({ bidder: t.int64(), price: t.int64() });
 * const row = (bid: Columns<typeof Bid.shape>) => ({ value: stddev(bid.price) });
 * ```
 */
export function stddev(value: Typed<Numeric | Null>): Expr<Float64 | Null> {
  return aggregate("Stddev", numeric(value, "stddev"), { kind: "float64" }, true) as unknown as Expr<Float64 | Null>;
}

/**
 * The value that a share `quantile` (0 to 1) of all values lies below, to within about 1 % of rank.
 *
 * ```ts
 * import { approxQuantile, type Columns, schema, t } from "millrace";
 * const Bid = schema({ bidder: t.int64(), price: t.int64() });
 * const row = (bid: Columns<typeof Bid.shape>) => ({ value: approxQuantile(bid.price, 0.99) });
 * ```
 */
export function approxQuantile<T extends Numeric | Null>(value: Typed<T>, quantile: number): Expr<Float64 | NullOf<T>> {
  if (!(quantile >= 0 && quantile <= 1)) throw new PlanError(`approxQuantile: ${quantile} is not between 0 and 1`);
  const argument = numeric(value, "approxQuantile");
  const node = { op: "aggregate", function: "ApproxQuantile", value: argument, quantile } as const;
  return new Value(node, { kind: "float64" }, argument.nullable) as unknown as Expr<Float64 | NullOf<T>>;
}

function aggregate(name: AggregateName, value: Value | undefined, type: DataType, nullable: boolean): unknown {
  return new Value({ op: "aggregate", function: name, value }, type, nullable);
}

function same(name: AggregateName, value: Value): unknown {
  return aggregate(name, value, value.type, value.nullable);
}

function of(value: unknown, what: string): Value {
  if (!(value instanceof Value)) throw new PlanError(`${what}: it takes a column or an expression`);
  return value;
}

function numeric(value: unknown, what: string): Value {
  const argument = of(value, what);
  if (!isNumeric(argument.type)) throw new PlanError(`${what}: a number is expected, not ${typeName(argument.type)}`);
  return argument;
}

function ordered(value: unknown, what: string): Value {
  const argument = of(value, what);
  if (argument.type.kind === "list" || argument.type.kind === "struct") {
    throw new PlanError(`${what}: ${typeName(argument.type)} has no order; take one of its parts`);
  }
  return argument;
}

/** Decimals are averaged as numbers, as the other types are. */
function float(value: Value): Value {
  if (value.type.kind !== "decimal") return value;
  return new Value({ op: "cast", value, orNull: false }, { kind: "float64" }, value.nullable);
}
