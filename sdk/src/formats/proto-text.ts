import { PlanError } from "../errors.js";
import type { DataType, Field } from "../schema/type.js";

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const TIMESTAMP = "google.protobuf.Timestamp";

/** The .proto of rows, numbered in the order of the columns. A column that may be null is `optional`. */
export function protoOf(fields: readonly Field[], name: string): string {
  const dot = name.lastIndexOf(".");
  const [pack, own] = [name.slice(0, Math.max(dot, 0)), name.slice(dot + 1)];
  if (!NAME.test(own)) throw new PlanError(`protobuf: "${name}" is no name of a message: letters, digits and "_"`);
  const messages = messagesOf(fields, own);
  return [
    'syntax = "proto3";',
    ...(pack === "" ? [] : [`package ${pack};`]),
    ...(messages.some((line) => line.includes(TIMESTAMP)) ? ['import "google/protobuf/timestamp.proto";'] : []),
    ...messages,
    "",
  ].join("\n");
}

/** The lines of a message, and of those of its columns. */
function messagesOf(fields: readonly Field[], name: string): string[] {
  const others: string[] = [];
  const lines = fields.map((field, index) => {
    if (!NAME.test(field.name)) {
      throw new PlanError(
        `protobuf: it has no fields like "${field.name}", but with letters, digits and "_": rename the column`,
      );
    }
    const inner = `${name}_${field.name}`;
    const { type, nullable } = field;
    const struct = type.kind === "list" ? type.item.type : type;
    if (struct.kind === "struct") others.push(...messagesOf(struct.fields, inner));
    const label = type.kind === "list" ? "repeated " : nullable && type.kind !== "struct" ? "optional " : "";
    return `  ${label}${kindOf(type, inner, field.name)} ${field.name} = ${index + 1};`;
  });
  return [`message ${name} {`, ...lines, "}", ...others];
}

function kindOf(type: DataType, inner: string, column: string): string {
  switch (type.kind) {
    case "bool":
    case "int32":
    case "int64":
    case "string":
    case "bytes":
      return type.kind;
    case "float64":
      return "double";
    case "decimal":
      return "string";
    case "date":
      return "int32";
    case "timestamp":
      return TIMESTAMP;
    case "struct":
      return inner;
    case "list":
      if (type.item.nullable) throw noList(column, "nulls");
      if (type.item.type.kind === "list") throw noList(column, "lists");
      return kindOf(type.item.type, inner, column);
  }
}

function noList(column: string, of: string): PlanError {
  return new PlanError(`protobuf: column "${column}": its lists hold no ${of}: put them into a struct`);
}

/** The full name of the first message of a .proto; `undefined` where it has none. */
export function firstMessage(text: string): string | undefined {
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, " ");
  const name = /(?:^|[;}\s])message\s+([A-Za-z_]\w*)/.exec(code)?.[1];
  const pack = /(?:^|[;\s])package\s+([\w.]+)\s*;/.exec(code)?.[1];
  return name === undefined || pack === undefined ? name : `${pack}.${name}`;
}
