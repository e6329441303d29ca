import { type Duration, milliseconds } from "../duration.js";
import { PlanError } from "../errors.js";
import { Column } from "../schema/schema.js";
import { type DataType, type Field, isNumeric, typeName } from "../schema/type.js";
import { decimalResult } from "./decimal.js";
import type { FunctionName } from "./names.js";
import { call, commonType, toValue, Value } from "./value.js";

const BOOL: DataType = { kind: "bool" };
const INT32: DataType = { kind: "int32" };
const INT64: DataType = { kind: "int64" };
const FLOAT64: DataType = { kind: "float64" };
const TEXT: DataType = { kind: "string" };

type Method = (self: Value, ...args: never[]) => Value;

/** Methods of any expression. */
const COMMON: Record<string, Method> = {
  eq: comparison("Eq"),
  ne: comparison("NotEq"),
  lt: comparison("Lt"),
  lte: comparison("LtEq"),
  gt: comparison("Gt"),
  gte: comparison("GtEq"),
  between: (self, low: unknown, high: unknown) =>
    call("And", [comparison("GtEq")(self, low), comparison("LtEq")(self, high)], BOOL),
  in(self, values: readonly unknown[]) {
    if (!Array.isArray(values) || values.length === 0)
      throw new PlanError("in: it takes a list with at least one value");
    const args = [self, ...values.map((value) => toValue(value, self.type))];
    commonType(args, "in");
    return call("In", args, BOOL);
  },
  isNull: (self) => call("IsNull", [self], BOOL, false),
  isNotNull: (self) => call("IsNotNull", [self], BOOL, false),
  coalesce(self, other: unknown) {
    const args = [self, toValue(other, self.type)];
    return call("Coalesce", args, commonType(args, "coalesce"), args[1]?.nullable);
  },
  nullIf(self, other: unknown) {
    const args = [self, toValue(other, self.type)];
    commonType(args, "nullIf");
    return call("NullIf", args, self.type, true);
  },
  cast: (self, to: Column<never>) => cast(self, to, false),
  tryCast: (self, to: Column<never>) => cast(self, to, true),
  as(self, name: string) {
    if (typeof name !== "string" || name === "") throw new PlanError("as: a name is a string that is not empty");
    return new Value(self.node, self.type, self.nullable, name);
  },
};

const NUMERIC: Record<string, Method> = {
  add: arithmetic("Add"),
  sub: arithmetic("Sub"),
  mul: arithmetic("Mul"),
  div: arithmetic("Div"),
  mod: arithmetic("Mod"),
  neg: (self) => call("Neg", [self], self.type),
  abs: (self) => call("Abs", [self], self.type),
  round: (self) => call("Round", [self], FLOAT64),
  floor: (self) => call("Floor", [self], FLOAT64),
  ceil: (self) => call("Ceil", [self], FLOAT64),
  sqrt: (self) => call("Sqrt", [self], FLOAT64),
  power: (self, exponent: unknown) => call("Power", [self, number(exponent, FLOAT64, "power")], FLOAT64),
};

const BOOLEAN: Record<string, Method> = {
  and: logical("And"),
  or: logical("Or"),
  not: (self) => call("Not", [self], BOOL),
};

const STRING: Record<string, Method> = {
  upper: (self) => call("Upper", [self], TEXT),
  lower: (self) => call("Lower", [self], TEXT),
  trim: (self) => call("Trim", [self], TEXT),
  length: (self) => call("Length", [self], INT64),
  concat: (self, ...others: unknown[]) => call("Concat", [self, ...others.map((other) => text(other, "concat"))], TEXT),
  substring: (self, start: unknown, length?: unknown) => {
    const rest = length === undefined ? [start] : [start, length];
    return call("Substring", [self, ...rest.map((value) => integer(value, "substring"))], TEXT);
  },
  startsWith: (self, prefix: unknown) => call("StartsWith", [self, text(prefix, "startsWith")], BOOL),
  endsWith: (self, suffix: unknown) => call("EndsWith", [self, text(suffix, "endsWith")], BOOL),
  contains: (self, part: unknown) => call("Contains", [self, text(part, "contains")], BOOL),
  replace: (self, part: unknown, by: unknown) =>
    call("Replace", [self, text(part, "replace"), text(by, "replace")], TEXT),
  like: (self, pattern: unknown) => call("Like", [self, text(pattern, "like")], BOOL),
  splitPart: (self, separator: unknown, index: unknown) =>
    call("SplitPart", [self, text(separator, "splitPart"), toValue(index, INT64)], TEXT),
  matches: (self, pattern: RegExp | string) => call("RegexMatch", [self, regex(pattern)], BOOL),
  extract: (self, pattern: RegExp | string, group: number = 0) =>
    call("RegexExtract", [self, regex(pattern), toValue(group, INT32)], TEXT, true),
  replaceRegex: (self, pattern: RegExp | string, by: unknown) =>
    call("RegexReplace", [self, regex(pattern), text(by, "replaceRegex")], TEXT),
};

const TIME: Record<string, Method> = {
  truncate: (self, unit: string) => call("Truncate", [timeUnit(unit, "truncate"), self], self.type),
  extract: (self, unit: string) => call("Extract", [timeUnit(unit, "extract"), self], INT64),
  plus: (self, duration: Duration) => shifted(self, milliseconds(duration, "plus")),
  minus: (self, duration: Duration) => shifted(self, -milliseconds(duration, "minus")),
  since(self, other: unknown) {
    const args = [self, toValue(other, self.type)];
    commonType(args, "since");
    return call("Sub", args, INT64);
  },
  epochMilliseconds: (self) => call("EpochMilliseconds", [self], INT64),
};

const LIST: Record<string, Method> = {
  at: (self, index: unknown) => call("ListElement", [self, integer(index, "at")], itemOf(self).type, true),
  length: (self) => call("ListLength", [self], INT32),
};

const STRUCT: Record<string, Method> = {
  get(self, name: string) {
    const fields = self.type.kind === "struct" ? self.type.fields : [];
    const field = fields.find((candidate) => candidate.name === name);
    if (field === undefined) {
      throw new PlanError(`get: there is no field "${name}"; there are ${fields.map((f) => f.name).join(", ")}`);
    }
    return call("GetField", [self, toValue(name, TEXT)], field.type, self.nullable || field.nullable);
  },
};

/** Which methods a type has, besides the common ones. */
const BY_KIND: Record<DataType["kind"], Record<string, Method>> = {
  bool: BOOLEAN,
  int32: NUMERIC,
  int64: NUMERIC,
  float64: NUMERIC,
  decimal: NUMERIC,
  string: STRING,
  bytes: {},
  timestamp: TIME,
  date: TIME,
  list: LIST,
  struct: STRUCT,
};

const ALL = new Set([COMMON, ...Object.values(BY_KIND)].flatMap((methods) => Object.keys(methods)));

for (const name of ALL) {
  Object.defineProperty(Value.prototype, name, {
    value(this: Value, ...args: never[]) {
      const method = BY_KIND[this.type.kind][name] ?? COMMON[name];
      if (method === undefined)
        throw new PlanError(`${describe(this)} is of type ${typeName(this.type)}, which has no .${name}()`);
      return method(this, ...args);
    },
  });
}

function describe(value: Value): string {
  return value.node.op === "column" ? `column "${value.node.name}"` : "the expression";
}

function comparison(name: FunctionName): (self: Value, other: unknown) => Value {
  return (self, other) => {
    const args = [self, toValue(other, self.type)];
    commonType(args, describe(self));
    return call(name, args, BOOL);
  };
}

function arithmetic(name: "Add" | "Sub" | "Mul" | "Div" | "Mod"): Method {
  return (self, other: unknown) => {
    const right = number(other, self.type, describe(self));
    const type = commonType([self, right], describe(self));
    return call(name, [self, right], type.kind === "decimal" ? decimalResult(name, self.type, right.type) : type);
  };
}

function logical(name: FunctionName): Method {
  return (self, other: unknown) => {
    const args = [self, toValue(other, BOOL)];
    commonType(args, name.toLowerCase());
    return call(name, args, BOOL);
  };
}

function cast(self: Value, to: unknown, orNull: boolean): Value {
  if (!(to instanceof Column)) throw new PlanError("cast: it takes a type, such as t.float64()");
  return new Value({ op: "cast", value: self, orNull }, to.type, orNull || self.nullable);
}

function shifted(self: Value, by: number): Value {
  if (self.type.kind !== "timestamp")
    throw new PlanError(`${describe(self)}: a duration is added to a timestamp, not a date`);
  return call("AddMilliseconds", [self, toValue(by, INT64)], self.type);
}

function number(operand: unknown, like: DataType, what: string): Value {
  const value = toValue(operand, like);
  if (!isNumeric(value.type)) throw new PlanError(`${what}: a number is expected, not ${typeName(value.type)}`);
  return value;
}

function integer(operand: unknown, what: string): Value {
  const value = toValue(operand, INT64);
  if (value.type.kind !== "int32" && value.type.kind !== "int64") {
    throw new PlanError(`${what}: an integer is expected, not ${typeName(value.type)}`);
  }
  return value;
}

function text(operand: unknown, what: string): Value {
  const value = toValue(operand, TEXT);
  if (value.type.kind !== "string") throw new PlanError(`${what}: a string is expected, not ${typeName(value.type)}`);
  return value;
}

const UNITS = ["second", "minute", "hour", "day", "week", "month", "year"];

function timeUnit(unit: string, what: string): Value {
  if (!UNITS.includes(unit)) throw new PlanError(`${what}: ${JSON.stringify(unit)} is none of ${UNITS.join(", ")}`);
  return toValue(unit, TEXT);
}

/** A pattern as the core reads it: JavaScript's flags i, m and s become inline ones; u is always on. */
function regex(pattern: RegExp | string): Value {
  if (!(pattern instanceof RegExp)) return text(pattern, "regular expression");
  const unknown = pattern.flags.replace(/[imsug]/g, "");
  if (unknown !== "") throw new PlanError(`${pattern}: flag ${unknown} has no meaning here`);
  const inline = pattern.flags.replace(/[ug]/g, "");
  return toValue(inline === "" ? pattern.source : `(?${inline})${pattern.source}`, TEXT);
}

function itemOf(self: Value): Field {
  if (self.type.kind !== "list") throw new PlanError(`${describe(self)} is not a list`);
  return self.type.item;
}
