import type { AggregateName, FunctionName } from "../expr/names.js";
import type { LiteralValue, Value } from "../expr/value.js";
import { typeName } from "../schema/type.js";

const INFIX: Partial<Record<FunctionName, string>> = {
  Eq: "=",
  NotEq: "≠",
  Lt: "<",
  LtEq: "≤",
  Gt: ">",
  GtEq: "≥",
  And: "and",
  Or: "or",
  Add: "+",
  Sub: "-",
  Mul: "×",
  Div: "/",
  Mod: "%",
};

/** An expression as one would write it down. `aggregates` are what "$0", "$1", ... stand for. */
export function formula(value: Value, aggregates: readonly Value[] = []): string {
  const { node } = value;
  const part = (inner: Value) => formula(inner, aggregates);
  switch (node.op) {
    case "column": {
      const aggregate = aggregates[Number(/^\$(\d+)$/.exec(node.name)?.[1] ?? Number.NaN)];
      if (aggregate !== undefined) return part(aggregate);
      // The columns of a table that is joined have a name of their own.
      if (value.alias !== undefined && value.alias !== node.name) return `table ${value.alias}`;
      return node.name.replace(/^\$/, "window ");
    }
    case "literal":
      return value.type.kind === "decimal" ? String(node.value) : literal(node.value);
    case "call": {
      const sign = INFIX[node.function];
      if (sign === undefined) return `${camel(node.function)}(${node.args.map(part).join(", ")})`;
      const operand = (arg: Value) =>
        arg.node.op === "call" && INFIX[arg.node.function] ? `(${part(arg)})` : part(arg);
      return node.args.map(operand).join(` ${sign} `);
    }
    case "cast":
      return `${part(node.value)} as ${typeName(value.type)}`;
    case "case": {
      const whens = node.whens.map(([condition, then]) => `when ${part(condition)} then ${part(then)}`);
      return [...whens, ...(node.otherwise === undefined ? [] : [`else ${part(node.otherwise)}`])].join(" ");
    }
    case "aggregate": {
      const args = [node.value === undefined ? "" : part(node.value), node.quantile ?? ""].filter((arg) => arg !== "");
      return `${camel(node.function)}(${args.join(", ")})`;
    }
  }
}

function camel(name: FunctionName | AggregateName): string {
  return `${name[0]?.toLowerCase()}${name.slice(1)}`;
}

function literal(value: LiteralValue): string {
  if (typeof value === "string") return JSON.stringify(value);
  return value instanceof Uint8Array ? `${value.length} bytes` : String(value);
}
