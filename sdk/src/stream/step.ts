import { PlanError } from "../errors.js";
import type { Columns, Typed } from "../expr/expr.js";
import { columnsOf } from "../expr/make.js";
import { Value } from "../expr/value.js";
import type { NamedValue } from "../plan/node.js";
import type { AnyType, Field, Shape } from "../schema/type.js";
import { typeName } from "../schema/type.js";

/** Runs what builds a step; a plan error in it gets the step's name. */
export function inStep<T>(step: string, build: () => T): T {
  try {
    return build();
  } catch (error) {
    if (error instanceof PlanError && error.step === undefined)
      throw new PlanError(error.message, step, { cause: error });
    throw error;
  }
}

/** What a lambda says of the columns. */
export function describe<S extends Shape, T>(
  step: string,
  fields: readonly Field[],
  lambda: (row: Columns<S>) => T,
): T {
  return inStep(step, () => {
    if (typeof lambda !== "function") throw new PlanError("it takes a function of the row's columns");
    return lambda(columnsOf<S>(fields));
  });
}

/** An expression that says something of single rows. */
export function expression(value: unknown, what: string): Value {
  if (!(value instanceof Value)) throw new PlanError(`${what}: an expression over the columns is expected`);
  if (aggregatesIn(value).length > 0) throw new PlanError(`${what}: aggregates belong into .aggregate(...)`);
  return value;
}

export function condition(value: unknown): Value {
  const predicate = expression(value, "the condition");
  if (predicate.type.kind !== "bool") throw new PlanError(`the condition is ${typeName(predicate.type)}, not bool`);
  return predicate;
}

export function namedValues(object: Readonly<Record<string, Typed<AnyType>>>, what: string): NamedValue[] {
  const entries = Object.entries(object as Record<string, unknown>);
  if (entries.length === 0) throw new PlanError(`${what}: there are no columns`);
  return entries.map(([name, value]) => ({ name, value: expression(value, `column "${name}"`) }));
}

export function fieldsOf(columns: readonly NamedValue[]): Field[] {
  return columns.map(({ name, value }) => ({ name, type: value.type, nullable: value.nullable }));
}

/** The expressions that an expression is made of. */
export function partsOf(value: Value): readonly Value[] {
  const { node } = value;
  switch (node.op) {
    case "call":
      return node.args;
    case "cast":
      return [node.value];
    case "case":
      return [...node.whens.flat(), ...(node.otherwise === undefined ? [] : [node.otherwise])];
    case "aggregate":
      return node.value === undefined ? [] : [node.value];
    default:
      return [];
  }
}

export function aggregatesIn(value: Value): Value[] {
  return value.node.op === "aggregate" ? [value] : partsOf(value).flatMap(aggregatesIn);
}

/** The names of the columns that an expression reads. */
export function columnsIn(value: Value): string[] {
  return value.node.op === "column" ? [value.node.name] : partsOf(value).flatMap(columnsIn);
}
