import { PlanError } from "../errors.js";
import type { Columns, Typed } from "../expr/expr.js";
import { columnsOf } from "../expr/make.js";
import { Value } from "../expr/value.js";
import type { NamedValue, PlanNode } from "../plan/node.js";
import { type AnyType, type Field, type Null, type Shape, sameType, typeName } from "../schema/type.js";
import { keysOf } from "./aggregate.js";
import { describe, inStep, namedValues } from "./step.js";

/**
 * The last row of each key of a stream, in every slot: what other streams join with.
 *
 * ```ts
 * import type { BroadcastTable, Shape } from "millrace";
 * const joined = <T extends Shape>(table: BroadcastTable<T>) => `joined with ${table.name}`;
 * ```
 */
export class BroadcastTable<S extends Shape> {
  /** Carries the shape; never there at run time. */
  declare readonly shape: S;

  constructor(
    readonly node: PlanNode,
    readonly keys: readonly NamedValue[],
  ) {}

  /** As `explain` calls it. */
  get name(): string {
    return this.node.name;
  }
}

/** A shape whose columns may all be null. */
export type NullableShape<S extends Shape> = { readonly [K in keyof S]: S[K] | Null };

/** What a join is made of. */
export interface Join {
  readonly kind: "join";
  readonly on: readonly NamedValue[];
  readonly keys: readonly NamedValue[];
  readonly output: readonly NamedValue[];
  readonly keepUnmatched: boolean;
}

/** The join of a stream with a table. */
export function joinOf<S extends Shape, T extends Shape>(
  name: string,
  fields: readonly Field[],
  table: BroadcastTable<T>,
  on: (row: Columns<S>) => unknown,
  columns: (row: Columns<S>, match: never) => Readonly<Record<string, Typed<AnyType>>>,
  keepUnmatched: boolean,
): Join {
  const keys = describe(name, fields, (row: Columns<S>) => keysOf(on(row)));
  inStep(name, () => sameKeys(keys, table.keys));
  const output = joinedColumns<S, T>(name, fields, table.node.fields, columns, keepUnmatched);
  return { kind: "join", on: keys, keys: table.keys, output, keepUnmatched };
}

/** What a join gives, of the columns of both sides; those of its `table` are null where it keeps rows without a match. */
export function joinedColumns<S extends Shape, T extends Shape>(
  name: string,
  fields: readonly Field[],
  table: readonly Field[],
  columns: (row: Columns<S>, match: never) => Readonly<Record<string, Typed<AnyType>>>,
  keepUnmatched: boolean,
): NamedValue[] {
  // As a plan names the table's columns beside those of the stream.
  const ofTable = ({ name, type, nullable }: Field) =>
    new Value({ op: "column", name: `$${name}` }, type, nullable || keepUnmatched, name);
  const match = columnsOf<T>(table, ofTable);
  return describe(name, fields, (row: Columns<S>) => namedValues(columns(row, match as never), name));
}

function sameKeys(on: readonly NamedValue[], keys: readonly NamedValue[]): void {
  if (on.length !== keys.length) {
    throw new PlanError(`rows are matched by ${on.length} columns, but the table's key has ${keys.length}`);
  }
  on.forEach(({ name, value }, index) => {
    const key = keys[index] as NamedValue;
    if (sameType(value.type, key.value.type)) return;
    throw new PlanError(
      `"${name}" is ${typeName(value.type)}, the table's "${key.name}" is ${typeName(key.value.type)}: cast one of them`,
    );
  });
}
