import type { DataType, Field } from "millrace";

/** What cannot be a column, with the path of the field. */
export class NoColumns extends Error {}

/** The TypeScript of `schema({ ... })` for columns. */
export function codeOf(name: string, fields: readonly Field[]): string {
  return fileOf(name, linesOf(fields, 1));
}

/** A file with the columns of `lines`. */
export function fileOf(name: string, lines: readonly string[]): string {
  return [
    'import { schema, t } from "millrace";',
    "",
    `export const ${identifier(name)} = schema({`,
    ...lines,
    "});",
    "",
  ].join("\n");
}

/** The name of a property, in quotes where it needs them. */
export function property(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

function identifier(name: string): string {
  return name.replace(/[^\w$]/g, "_").replace(/^(?=\d)/, "_");
}

function linesOf(fields: readonly Field[], depth: number): string[] {
  return fields.map((field) => `${"  ".repeat(depth)}${property(field.name)}: ${column(field, depth)},`);
}

function column({ type, nullable }: Pick<Field, "type" | "nullable">, depth: number): string {
  return `${typeCode(type, depth)}${nullable ? ".nullable()" : ""}`;
}

function typeCode(type: DataType, depth: number): string {
  switch (type.kind) {
    case "decimal":
      return `t.decimal(${type.precision}, ${type.scale})`;
    case "timestamp":
      return `t.timestamp("${type.unit}")`;
    case "list":
      return `t.list(${column(type.item, depth)})`;
    case "struct":
      return ["t.struct({", ...linesOf(type.fields, depth + 1), `${"  ".repeat(depth)}})`].join("\n");
    default:
      return `t.${type.kind}()`;
  }
}
