import type { LookupConfig, LookupTable } from "../connectors/driver.js";
import { PlanError } from "../errors.js";
import type { Columns, Typed } from "../expr/expr.js";
import type { NamedValue } from "../plan/node.js";
import { type AnyType, type Field, type Shape, sameType, typeName } from "../schema/type.js";
import { keysOf } from "./aggregate.js";
import { joinedColumns } from "./join.js";
import { describe, inStep } from "./step.js";

/** What a join with a table of a database is made of. */
export interface LookupJoin {
  readonly kind: "lookup";
  readonly lookup: LookupConfig;
  readonly on: readonly NamedValue[];
  /** All of the table's columns that are declared, and those that are asked for. */
  readonly table: readonly Field[];
  readonly columns: readonly Field[];
  readonly output: readonly NamedValue[];
  readonly keepUnmatched: boolean;
}

/** The join of a stream with a table of a database. */
export function lookupJoinOf<S extends Shape, T extends Shape>(
  name: string,
  fields: readonly Field[],
  { schema, lookup }: LookupTable<T>,
  on: (row: Columns<S>) => unknown,
  columns: (row: Columns<S>, match: never) => Readonly<Record<string, Typed<AnyType>>>,
  keepUnmatched: boolean,
): LookupJoin {
  const keys = describe(name, fields, (row: Columns<S>) => keysOf(on(row)));
  inStep(name, () => isOfTable(keys, schema.fields));
  const output = joinedColumns<S, T>(name, fields, schema.fields, columns, keepUnmatched);
  return { kind: "lookup", lookup, on: keys, table: schema.fields, columns: schema.fields, output, keepUnmatched };
}

function isOfTable(on: readonly NamedValue[], table: readonly Field[]): void {
  for (const { name, value } of on) {
    const field = table.find((field) => field.name === name);
    if (field === undefined) {
      const known = table.map(({ name }) => name).join(", ");
      throw new PlanError(`the key is named as the table names it: "${name}" is none of ${known}`);
    }
    if (!sameType(value.type, field.type)) {
      throw new PlanError(
        `"${name}" is ${typeName(value.type)}, the table's is ${typeName(field.type)}: cast the one to the other`,
      );
    }
  }
}
