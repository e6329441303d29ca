import "./methods.js";
import { PlanError } from "../errors.js";
import type { Column } from "../schema/schema.js";
import type { AnyType, Bool, DataType, Field, Float64, Int64, NonNull, Null, Shape, Text } from "../schema/type.js";
import { typeName } from "../schema/type.js";
import type { Columns, EitherOrNull, Expr, Literal, Operand, Typed } from "./expr.js";
import { commonType, toValue, Value } from "./value.js";

/**
 * A literal: a string, a boolean, a bigint (int64) or a number (float64), or a value of the type that is given.
 *
 * ```ts
 * import { lit, t } from "millrace";
 * const one = lit(1, t.int32());
 * ```
 */
export function lit(value: boolean): Expr<Bool>;
export function lit(value: bigint): Expr<Int64>;
export function lit(value: number): Expr<Float64>;
export function lit(value: string): Expr<Text>;
export function lit<T extends AnyType>(value: Literal<T>, type: Column<T>): Expr<T>;
export function lit(value: unknown, type?: Column<AnyType>): unknown {
  if (type !== undefined) return toValue(value, type.type);
  const kinds = { boolean: "bool", bigint: "int64", number: "float64", string: "string" } as const;
  const kind = kinds[typeof value as keyof typeof kinds];
  if (kind === undefined) throw new PlanError('lit: give the literal\'s type, as in lit(value, t.timestamp("ms"))');
  return toValue(value, { kind });
}

/**
 * A choice under construction: more conditions, or what holds otherwise.
 *
 * ```ts
 * import { generator, type JobBuilder, lit, type When, when } from "millrace";
 * const sized = (j: JobBuilder) =>
 *   j.source(generator.bids()).select((bid) => {
 *     const size: When<{ kind: "string" }> = when(bid.price.gt(1000), lit("large")).when(bid.price.gt(100), "medium");
 *     return { size: size.otherwise("small") };
 *   });
 * ```
 */
export interface When<T extends AnyType> {
  when<O extends Operand<NonNull<T>>>(condition: Typed<Bool | Null>, then: O): When<EitherOrNull<T, O>>;
  otherwise<O extends Operand<NonNull<T>>>(value: O): Expr<EitherOrNull<T, O>>;
}

/**
 * The value of the first condition that is true.
 *
 * ```ts
 * import { generator, job, json, lit, stdout, when } from "millrace";
 * export default job("sizes", (j) =>
 *   j
 *     .source(generator.bids({ count: 10 }))
 *     .select((bid) => ({ size: when(bid.price.gt(1000), lit("large")).otherwise("small") }))
 *     .to(stdout({ format: json() })),
 * );
 * ```
 */
export function when<T extends AnyType>(condition: Typed<Bool | Null>, then: Typed<T>): When<T> {
  return choice([[conditionOf(condition), toValue(then, { kind: "string" })]]) as unknown as When<T>;
}

function choice(whens: readonly (readonly [Value, Value])[]) {
  const first = (whens[0] as readonly [Value, Value])[1];
  return {
    when: (condition: unknown, then: unknown) =>
      choice([...whens, [conditionOf(condition), toValue(then, first.type)]]),
    otherwise(value: unknown): Value {
      const otherwise = toValue(value, first.type);
      const results = [...whens.map(([, then]) => then), otherwise];
      const type = commonType(results, "when");
      return new Value(
        { op: "case", whens, otherwise },
        type,
        results.some((result) => result.nullable),
      );
    },
  };
}

function conditionOf(condition: unknown): Value {
  const value = toValue(condition, { kind: "bool" });
  if (value.type.kind !== "bool") throw new PlanError(`when: a condition is bool, not ${typeName(value.type)}`);
  return value;
}

/** The columns of a row as expressions, made by `columnOf`; one that is not there is a plan error. */
export function columnsOf<S extends Shape>(fields: readonly Field[], columnOf = ownColumn): Columns<S> {
  const columns = new Map(fields.map((field) => [field.name, columnOf(field)]));
  const lookUp = (_: object, name: string | symbol) => {
    // Whatever inspects an object asks it for symbols and for `then`.
    if (typeof name === "symbol" || (name === "then" && !columns.has(name))) return undefined;
    const column = columns.get(name);
    if (column === undefined) throw new PlanError(unknownColumn(name, fields));
    return column;
  };
  return new Proxy({}, { get: lookUp, has: (_, name) => columns.has(String(name)) }) as Columns<S>;
}

function ownColumn(field: Field): Value {
  return new Value({ op: "column", name: field.name }, field.type as DataType, field.nullable);
}

function unknownColumn(name: string, fields: readonly Field[]): string {
  const names = fields.map((field) => field.name);
  const near = names.find((candidate) => isNear(candidate.toLowerCase(), name.toLowerCase()));
  const hint = near === undefined ? "" : ` (did you mean "${near}"?)`;
  return `column "${name}" is not in its input; there are ${names.join(", ")}${hint}`;
}

/** One is the other with a letter or two more, fewer or changed. */
function isNear(a: string, b: string): boolean {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return (row[b.length] as number) <= 2;
}
