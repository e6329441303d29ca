import { PlanError } from "../errors.js";
import { Value } from "../expr/value.js";
import type { NamedValue } from "../plan/node.js";
import { type Field, typeName } from "../schema/type.js";
import { aggregatesIn } from "./step.js";

/** The start and the end (exclusive) of a window. */
export const START = new Value({ op: "column", name: "$start" }, { kind: "timestamp", unit: "ms" }, false, undefined);
export const END = new Value({ op: "column", name: "$end" }, { kind: "timestamp", unit: "ms" }, false, undefined);

/** The aggregates of a window and the columns that are made from them. */
export interface Aggregation {
  readonly aggregates: readonly Value[];
  readonly output: readonly NamedValue[];
}

/** Takes an output apart: the aggregates in it become columns "$0", "$1", ... of the expressions around them. */
export function aggregation(keys: readonly NamedValue[], object: Readonly<Record<string, unknown>>): Aggregation {
  const aggregates: Value[] = [];
  const keyColumns = keys.map(({ name, value }) => ({
    name,
    value: new Value({ op: "column", name }, value.type, value.nullable),
  }));
  const output = Object.entries(object).map(([name, value]) => {
    if (!(value instanceof Value)) throw new PlanError(`column "${name}": an expression is expected`);
    if (keys.some((key) => key.name === name) && !isKey(value, keys, name)) {
      throw new PlanError(`column "${name}": the key of that name is in the row already`);
    }
    return { name, value: withoutAggregates(value, keys, aggregates, name) };
  });
  if (output.length === 0) throw new PlanError("there is nothing to compute");
  const own = new Set(output.map(({ name }) => name));
  return { aggregates, output: [...keyColumns.filter(({ name }) => !own.has(name)), ...output] };
}

function isKey(value: Value, keys: readonly NamedValue[], name: string): boolean {
  return keys.some((key) => key.name === name && sameColumn(key.value, value));
}

function sameColumn(a: Value, b: Value): boolean {
  return a === b || (a.node.op === "column" && b.node.op === "column" && a.node.name === b.node.name);
}

function withoutAggregates(value: Value, keys: readonly NamedValue[], aggregates: Value[], column: string): Value {
  const { node } = value;
  const inner = (part: Value) => withoutAggregates(part, keys, aggregates, column);
  const rebuilt = (changed: Value["node"]) => new Value(changed, value.type, value.nullable);
  const key = keys.find((candidate) => sameColumn(candidate.value, value));
  if (key !== undefined) return rebuilt({ op: "column", name: key.name });
  switch (node.op) {
    case "aggregate":
      if (node.value !== undefined && aggregatesIn(node.value).length > 0) {
        throw new PlanError(`column "${column}": an aggregate of an aggregate needs a window of its own`);
      }
      aggregates.push(value);
      return rebuilt({ op: "column", name: `$${aggregates.length - 1}` });
    case "column":
      if (value === START || value === END) return value;
      throw new PlanError(
        `column "${column}": a window has many values of "${node.name}"; take one by first(...), max(...) or the like, ` +
          "or make it a key",
      );
    case "call":
      return rebuilt({ ...node, args: node.args.map(inner) });
    case "cast":
      return rebuilt({ ...node, value: inner(node.value) });
    case "case":
      return rebuilt({
        ...node,
        whens: node.whens.map(([condition, then]) => [inner(condition), inner(then)] as const),
        otherwise: node.otherwise === undefined ? undefined : inner(node.otherwise),
      });
    case "literal":
      return value;
  }
}

/** The key columns, named by what they are or by `.as(...)`. */
export function keysOf(result: unknown): NamedValue[] {
  const keys =
    result instanceof Value || Array.isArray(result)
      ? [result].flat().map((value) => ({ name: nameOf(value), value: value as Value }))
      : Object.entries((result ?? {}) as Record<string, unknown>).map(([name, value]) => ({
          name,
          value: value as Value,
        }));
  if (keys.length === 0) throw new PlanError("a key has at least one column");
  for (const { name, value } of keys) {
    if (!(value instanceof Value)) throw new PlanError(`key "${name}": an expression over the columns is expected`);
    if (aggregatesIn(value).length > 0) throw new PlanError(`key "${name}": it cannot be an aggregate`);
    if (keys.filter((key) => key.name === name).length > 1) throw new PlanError(`key "${name}": it is there twice`);
    if (value.type.kind === "list" || value.type.kind === "struct") {
      throw new PlanError(`key "${name}": ${typeName(value.type)} is no key; take its parts`);
    }
  }
  return keys;
}

function nameOf(value: unknown): string {
  const name = value instanceof Value ? value.alias : undefined;
  if (name === undefined) throw new PlanError('a key that is computed needs a name: .as("name")');
  return name;
}

/** The fields of an aggregation's rows. */
export function aggregatedFields(output: readonly NamedValue[]): Field[] {
  return output.map(({ name, value }) => ({ name, type: value.type, nullable: value.nullable }));
}
