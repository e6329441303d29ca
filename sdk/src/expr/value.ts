import { PlanError } from "../errors.js";
import { type DataType, isNumeric, sameType, typeName } from "../schema/type.js";
import { commonDecimal, decimalLiteral } from "./decimal.js";
import type { AggregateName, FunctionName } from "./names.js";

/** What an expression is made of. */
export type Node =
  | { readonly op: "column"; readonly name: string }
  | { readonly op: "literal"; readonly value: LiteralValue }
  | { readonly op: "call"; readonly function: FunctionName; readonly args: readonly Value[] }
  | { readonly op: "cast"; readonly value: Value; readonly orNull: boolean }
  | {
      readonly op: "case";
      readonly whens: readonly (readonly [Value, Value])[];
      readonly otherwise?: Value | undefined;
    }
  | {
      readonly op: "aggregate";
      readonly function: AggregateName;
      readonly value?: Value | undefined;
      readonly quantile?: number | undefined;
    };

/** A literal as the plan holds it; integers of all kinds are bigints. */
export type LiteralValue = null | boolean | bigint | number | string | Uint8Array;

/** An expression at run time. Its methods are installed by `methods.ts`, its static face is `Expr`. */
export class Value {
  constructor(
    readonly node: Node,
    readonly type: DataType,
    readonly nullable: boolean,
    /** The name that it has as a key or a column. */
    readonly alias: string | undefined = node.op === "column" ? node.name : undefined,
  ) {}
}

/** An expression from an expression or a JavaScript literal that stands beside one of type `like`. */
export function toValue(operand: unknown, like: DataType): Value {
  if (operand instanceof Value) return operand;
  if (operand === null) return new Value({ op: "literal", value: null }, like, true);
  return new Value({ op: "literal", value: literalOf(operand, like) }, like, false);
}

function literalOf(value: unknown, type: DataType): LiteralValue {
  const wrong = () => new PlanError(`${show(value)} is not a value of type ${typeName(type)}${advice(value, type)}`);
  switch (type.kind) {
    case "bool":
      if (typeof value === "boolean") return value;
      break;
    case "int32":
    case "int64":
      if (typeof value === "bigint") return inRange(value, type.kind, wrong);
      if (typeof value === "number" && Number.isSafeInteger(value)) return inRange(BigInt(value), type.kind, wrong);
      break;
    case "float64":
      if (typeof value === "number" || typeof value === "bigint") return Number(value);
      break;
    case "decimal": {
      const digits = decimalLiteral(value, type);
      if (digits !== undefined) return digits;
      break;
    }
    case "string":
      if (typeof value === "string") return value;
      break;
    case "bytes":
      if (value instanceof Uint8Array) return value;
      break;
    case "timestamp":
      if (value instanceof Date && !Number.isNaN(value.getTime())) return inUnit(value.getTime(), type.unit);
      if (typeof value === "bigint") return value;
      if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
      break;
    case "date":
      if (typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value))) {
        return BigInt(Date.parse(value) / 86_400_000);
      }
      break;
    default:
      break;
  }
  throw wrong();
}

function inRange(value: bigint, kind: "int32" | "int64", wrong: () => PlanError): bigint {
  if (BigInt.asIntN(kind === "int32" ? 32 : 64, value) !== value) throw wrong();
  return value;
}

function inUnit(milliseconds: number, unit: "s" | "ms" | "us" | "ns"): bigint {
  const exact = BigInt(milliseconds);
  return { s: exact / 1000n, ms: exact, us: exact * 1000n, ns: exact * 1_000_000n }[unit];
}

function advice(value: unknown, type: DataType): string {
  const fraction = typeof value === "number" && !Number.isInteger(value);
  if (type.kind === "decimal" && /^-?\d/.test(String(value)))
    return ": it has more digits; give it a type of its own with lit(value, t.decimal(...))";
  return fraction && type.kind.startsWith("int") ? ": cast the column with .cast(t.float64())" : "";
}

function show(value: unknown): string {
  return typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) ?? String(value));
}

/** A call whose result is null where any argument is. */
export function call(name: FunctionName, args: readonly Value[], type: DataType, nullable?: boolean): Value {
  return new Value({ op: "call", function: name, args }, type, nullable ?? args.some((arg) => arg.nullable));
}

/** The type that holds the values of all: numbers widen, timestamps take the finer unit, the rest must be the same. */
export function commonType(values: readonly Value[], what: string): DataType {
  return values
    .map((value) => value.type)
    .reduce((a, b) => {
      const wider = widerType(a, b);
      if (wider === undefined) {
        throw new PlanError(`${what}: ${typeName(a)} and ${typeName(b)} do not go together; cast one of them`);
      }
      return wider;
    });
}

const UNITS = ["s", "ms", "us", "ns"] as const;

function widerType(a: DataType, b: DataType): DataType | undefined {
  if (sameType(a, b)) return a;
  if (isNumeric(a) && isNumeric(b)) {
    if (a.kind === "float64" || b.kind === "float64") return { kind: "float64" };
    return a.kind === "decimal" || b.kind === "decimal" ? commonDecimal(a, b) : { kind: "int64" };
  }
  if (a.kind === "timestamp" && b.kind === "timestamp") {
    return UNITS.indexOf(a.unit) > UNITS.indexOf(b.unit) ? a : b;
  }
  return undefined;
}
