import { PlanError } from "../errors.js";
import type { Typed } from "../expr/expr.js";
import { Value } from "../expr/value.js";
import type { NamedValue } from "../plan/node.js";
import { type AnyType, typeName } from "../schema/type.js";
import { expression } from "./step.js";

const KINDS = ["bool", "int32", "int64", "string", "date", "timestamp"];

/** Units of which a date tells all. */
const DAYS = ["day", "week", "month", "year"];

/** What the folders of files are called by. */
export function partitionsOf(columns: Readonly<Record<string, Typed<AnyType>>> | undefined): NamedValue[] {
  return Object.entries((columns ?? {}) as Record<string, unknown>).map(([name, given]) => {
    const value = expression(given, `partitionBy "${name}"`);
    if (/^([_.]|$)/.test(name)) {
      throw new PlanError(`partitionBy "${name}": what begins with an underscore or a point is left alone by readers`);
    }
    if (!KINDS.includes(value.type.kind)) {
      const type = typeName(value.type);
      throw new PlanError(`partitionBy "${name}" is ${type}: a folder is called by ${KINDS.join(", ")}`);
    }
    return { name, value: isWholeDays(value) ? asDate(value) : value };
  });
}

function isWholeDays({ node, type }: Value): boolean {
  if (type.kind !== "timestamp" || node.op !== "call" || node.function !== "Truncate") return false;
  const unit = node.args[0]?.node;
  return unit?.op === "literal" && DAYS.includes(String(unit.value));
}

function asDate(value: Value): Value {
  return new Value({ op: "cast", value, orNull: false }, { kind: "date" }, value.nullable);
}
