import type { DataType, Field } from "millrace";
import { codeOf, NoColumns } from "./code.js";

type Schema = boolean | { readonly [key: string]: unknown };
type Properties = Readonly<Record<string, Schema>>;

const MAX_DEPTH = 32;
/** Where the names of Kafka Connect's types are. */
const CONNECT = "org.apache.kafka.connect.data";

/** The TypeScript of `schema({ ... })` for a JSON Schema; `references` are those that it refers to, by their names. */
export function jsonSchemaCode(text: string, references: ReadonlyMap<string, string>): string {
  const schema = JSON.parse(text) as Schema;
  const root = new Document(schema, references);
  const { type, of } = root.resolved(schema, root, []);
  if (type !== "object") throw new NoColumns("it is no object, and columns are read from one");
  const title = typeof of.title === "string" ? of.title : "Row";
  return codeOf(title.replace(/^.*\./, ""), root.fields(of, []));
}

/** A schema, which others may refer into. */
class Document {
  constructor(
    readonly root: Schema,
    readonly references: ReadonlyMap<string, string>,
  ) {}

  fields(of: { readonly [key: string]: unknown }, path: readonly string[]): Field[] {
    const required = new Set((of.required as string[] | undefined) ?? []);
    return Object.entries((of.properties as Properties | undefined) ?? {}).map(([name, schema]) => {
      const { type, nullable } = this.column(schema, [...path, name]);
      return { name, type, nullable: nullable || !required.has(name) };
    });
  }

  column(schema: Schema, path: readonly string[]): Pick<Field, "type" | "nullable"> {
    if (path.length > MAX_DEPTH) throw new NoColumns(`${path.slice(0, 3).join(".")}...: it contains itself`);
    const { type, of, nullable, document } = this.resolved(schema, this, path);
    return { type: document.typeOf(type, of, path), nullable };
  }

  typeOf(type: unknown, of: { readonly [key: string]: unknown }, path: readonly string[]): DataType {
    switch (type) {
      case "boolean":
        return { kind: "bool" };
      case "integer":
        if (of.title === `${CONNECT}.Timestamp`) return { kind: "timestamp", unit: "ms" };
        return { kind: of["connect.type"] === "int32" ? "int32" : "int64" };
      case "number":
        if (of.title === `${CONNECT}.Decimal`) return decimal(of);
        return { kind: "float64" };
      case "string":
        if (of.format === "date-time") return { kind: "timestamp", unit: "ms" };
        if (of.format === "date") return { kind: "date" };
        if (of.contentEncoding === "base64" || of["connect.type"] === "bytes") return { kind: "bytes" };
        return { kind: "string" };
      case "array": {
        if (typeof of.items !== "object" || Array.isArray(of.items)) {
          throw new NoColumns(`${path.join(".")}: its items have no one type`);
        }
        return { kind: "list", item: { name: "item", ...this.column(of.items as Schema, path) } };
      }
      case "object": {
        const fields = this.fields(of, path);
        if (fields.length > 0) return { kind: "struct", fields };
        throw new NoColumns(`${path.join(".")}: an object whose properties are not named is no column`);
      }
      default:
        throw new NoColumns(`${path.join(".")}: there is no column of type ${JSON.stringify(type ?? of)}`);
    }
  }

  /** Follows references, and leaves out null. */
  resolved(schema: Schema, document: Document, path: readonly string[], depth = 0): Resolved {
    if (typeof schema !== "object" || depth > MAX_DEPTH) {
      throw new NoColumns(`${path.join(".")}: it says of no type, so it is no column`);
    }
    const { $ref, oneOf, anyOf, enum: values, const: constant, type } = schema;
    if (typeof $ref === "string") {
      const [found, within] = document.referred($ref, path);
      return document.resolved(found, within, path, depth + 1);
    }
    const branches = (oneOf ?? anyOf) as Schema[] | undefined;
    if (branches !== undefined) {
      const others = branches.filter((branch) => typeof branch !== "object" || branch.type !== "null");
      const [first, ...rest] = others;
      if (first === undefined || rest.length > 0)
        throw new NoColumns(`${path.join(".")}: one of several types is no column`);
      const found = document.resolved(first, document, path, depth + 1);
      return { ...found, nullable: found.nullable || others.length < branches.length };
    }
    const types = (
      Array.isArray(type) ? type : [type ?? typeOfValue((values as unknown[] | undefined)?.[0] ?? constant)]
    ) as unknown[];
    const others = types.filter((one) => one !== "null");
    if (others.length !== 1) throw new NoColumns(`${path.join(".")}: one of several types is no column`);
    return { type: others[0], of: schema, nullable: others.length < types.length, document };
  }

  referred(ref: string, path: readonly string[]): [Schema, Document] {
    const [name = "", pointer = ""] = ref.split("#");
    const text = this.references.get(name);
    if (name !== "" && text === undefined) throw new NoColumns(`${path.join(".")}: there is no schema "${name}"`);
    const document = text === undefined ? this : new Document(JSON.parse(text) as Schema, this.references);
    let found: unknown = document.root;
    for (const part of pointer.split("/").slice(1)) {
      const key = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
      found = (found as Record<string, unknown> | undefined)?.[key];
    }
    if (found === undefined) throw new NoColumns(`${path.join(".")}: there is no ${ref}`);
    return [found as Schema, document];
  }
}

interface Resolved {
  readonly type: unknown;
  readonly of: { readonly [key: string]: unknown };
  readonly nullable: boolean;
  readonly document: Document;
}

function decimal({ "connect.parameters": parameters }: { readonly [key: string]: unknown }): DataType {
  const { scale = "0", "connect.decimal.precision": precision = "38" } = (parameters ?? {}) as Record<string, string>;
  return { kind: "decimal", precision: Number(precision), scale: Number(scale) };
}

function typeOfValue(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}
