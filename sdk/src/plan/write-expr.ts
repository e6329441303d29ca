import type { LiteralValue, Value } from "../expr/value.js";
import {
  BoolValueT,
  BytesValueT,
  CallT,
  CaseT,
  CastT,
  ColumnT,
  Function as ExprFunction,
  ExprNode,
  ExprT,
  FieldT,
  FloatValueT,
  IntValueT,
  LiteralT,
  NamedExprT,
  StringValueT,
  TimeUnit,
  TypeKind,
  TypeT,
  Value as ValueKind,
  WhenT,
} from "../generated/millrace/plan.js";
import type { DataType, Field } from "../schema/type.js";
import type { NamedValue } from "./node.js";

/** An expression as plan.fbs has it. */
export function expr(value: Value): ExprT {
  const { node } = value;
  switch (node.op) {
    case "column":
      return new ExprT(ExprNode.Column, new ColumnT(node.name));
    case "literal":
      return new ExprT(ExprNode.Literal, literal(node.value, value.type));
    case "call":
      return new ExprT(ExprNode.Call, new CallT(ExprFunction[node.function], node.args.map(expr)));
    case "cast":
      return new ExprT(ExprNode.Cast, new CastT(expr(node.value), type(value.type), node.orNull));
    case "case": {
      const whens = node.whens.map(([condition, then]) => new WhenT(expr(condition), expr(then)));
      return new ExprT(ExprNode.Case, new CaseT(whens, optional(node.otherwise)));
    }
    case "aggregate":
      throw new Error("an aggregate stands in a window only");
  }
}

export function optional(value: Value | undefined): ExprT | null {
  return value === undefined ? null : expr(value);
}

export function named(columns: readonly NamedValue[]): NamedExprT[] {
  return columns.map(({ name, value }) => new NamedExprT(name, expr(value)));
}

export function fields(all: readonly Field[]): FieldT[] {
  return all.map((field) => new FieldT(field.name, type(field.type), field.nullable));
}

const KINDS = {
  bool: TypeKind.Bool,
  int32: TypeKind.Int32,
  int64: TypeKind.Int64,
  float64: TypeKind.Float64,
  decimal: TypeKind.Decimal,
  string: TypeKind.String,
  bytes: TypeKind.Bytes,
  timestamp: TypeKind.Timestamp,
  date: TypeKind.Date,
  list: TypeKind.List,
  struct: TypeKind.Struct,
} as const;

export const UNITS = {
  s: TimeUnit.Second,
  ms: TimeUnit.Millisecond,
  us: TimeUnit.Microsecond,
  ns: TimeUnit.Nanosecond,
} as const;

function type(of: DataType): TypeT {
  const [precision, scale] = of.kind === "decimal" ? [of.precision, of.scale] : [0, 0];
  const unit = of.kind === "timestamp" ? UNITS[of.unit] : TimeUnit.Second;
  const children = of.kind === "list" ? [of.item] : of.kind === "struct" ? of.fields : [];
  return new TypeT(KINDS[of.kind], precision, scale, unit, fields(children));
}

function literal(value: LiteralValue, of: DataType): LiteralT {
  const [kind, held] = literalValue(value);
  return new LiteralT(type(of), kind, held);
}

function literalValue(value: LiteralValue): [ValueKind, LiteralT["value"]] {
  if (value === null) return [ValueKind.NONE, null];
  if (value instanceof Uint8Array) return [ValueKind.BytesValue, new BytesValueT([...value])];
  switch (typeof value) {
    case "boolean":
      return [ValueKind.BoolValue, new BoolValueT(value)];
    case "bigint":
      return [ValueKind.IntValue, new IntValueT(value)];
    case "number":
      return [ValueKind.FloatValue, new FloatValueT(value)];
    case "string":
      return [ValueKind.StringValue, new StringValueT(value)];
  }
}
