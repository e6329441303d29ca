import { fileOf, NoColumns, property } from "./code.js";

/** A column that is written as code, and whether it may be null. */
interface Code {
  readonly code: string;
  readonly nullable: boolean;
}

type Json = string | readonly Json[] | { readonly [key: string]: unknown };

/**
 * The TypeScript of `schema({ ... })` for an Avro schema; `references` are those whose names it uses. Types are those that
 * the core reads: see "Formats" in docs/connectors.md.
 */
export function schemaCode(text: string, references: readonly string[]): string {
  const types = new Named();
  for (const reference of references) types.learn(parsed(reference), "");
  const schema = parsed(text);
  types.learn(schema, "");
  const record = types.resolve(schema, "");
  if (kindOf(record.type) !== "record") throw new NoColumns("it is no record, and columns are read from one");
  const name = String((record.type as { name: unknown }).name).replace(/^.*\./, "");
  return fileOf(name, columnsOf(record, types, [], 1));
}

/** A type and the namespace that names in it are looked up in. */
interface Placed {
  readonly type: Json;
  readonly namespace: string;
}

/** The named types of schemas, by their full names. */
class Named {
  readonly #types = new Map<string, Placed>();

  learn(type: Json, namespace: string): void {
    if (isList(type)) for (const branch of type) this.learn(branch, namespace);
    if (typeof type === "string" || isList(type)) return;
    const own = typeof type.namespace === "string" ? type.namespace : namespace;
    const full = typeof type.name === "string" ? fullName(type.name, own) : undefined;
    const inner = full === undefined ? namespace : full.slice(0, Math.max(full.lastIndexOf("."), 0));
    if (full !== undefined) this.#types.set(full, { type, namespace: inner });
    for (const field of (type.fields as { type: Json }[] | undefined) ?? []) this.learn(field.type, inner);
    for (const part of ["items", "values", "type"]) {
      const nested = type[part] as Json | undefined;
      if (typeof nested === "object") this.learn(nested, inner);
    }
  }

  /** The type itself where it is named. */
  resolve(type: Json, namespace: string): Placed {
    if (typeof type === "string") {
      return this.#types.get(fullName(type, namespace)) ?? this.#types.get(type) ?? { type, namespace };
    }
    if (isList(type)) return { type, namespace };
    if (typeof type.type === "object") return this.resolve(type.type as Json, namespace);
    if (typeof type.name === "string") {
      const own = typeof type.namespace === "string" ? type.namespace : namespace;
      return this.#types.get(fullName(type.name, own)) ?? { type, namespace };
    }
    return { type, namespace };
  }
}

function columnsOf({ type, namespace }: Placed, types: Named, path: readonly string[], depth: number): string[] {
  const fields = (type as { fields?: { name: string; type: Json }[] }).fields ?? [];
  return fields.map((field) => {
    const { code, nullable } = column(types.resolve(field.type, namespace), types, [...path, field.name], depth);
    return `${"  ".repeat(depth)}${property(field.name)}: ${code}${nullable ? ".nullable()" : ""},`;
  });
}

function column(placed: Placed, types: Named, path: readonly string[], depth: number): Code {
  const { type, namespace } = placed;
  const code = (text: string): Code => ({ code: text, nullable: false });
  if (path.length > 64) throw new NoColumns(`${path.slice(0, 3).join(".")}...: it contains itself`);
  if (isList(type)) {
    const others = type.filter((branch) => branch !== "null");
    const nullable = others.length < type.length;
    const branches = others.map((branch) => column(types.resolve(branch, namespace), types, path, depth));
    const [first, ...rest] = branches;
    if (first === undefined || rest.some((branch) => branch.code !== first.code)) {
      throw new NoColumns(`${path.join(".")}: a union of several types is no column`);
    }
    return { code: first.code, nullable: nullable || branches.some((branch) => branch.nullable) };
  }
  const parts = typeof type === "string" ? {} : type;
  const inner = (nested: unknown) => {
    const { code, nullable } = column(types.resolve(nested as Json, namespace), types, path, depth);
    return `${code}${nullable ? ".nullable()" : ""}`;
  };
  const kind = kindOf(type);
  switch (kind) {
    case "boolean":
      return code("t.bool()");
    case "int":
      return code(parts.logicalType === "date" ? "t.date()" : "t.int32()");
    case "long":
      return code(timestamp(parts.logicalType) ?? "t.int64()");
    case "float":
    case "double":
      return code("t.float64()");
    case "string":
    case "enum":
      return code("t.string()");
    case "bytes":
    case "fixed":
      if (parts.logicalType === "decimal") return code(`t.decimal(${parts.precision}, ${parts.scale ?? 0})`);
      return code(kind === "fixed" && parts.logicalType === "uuid" ? "t.string()" : "t.bytes()");
    case "array":
      return code(`t.list(${inner(parts.items)})`);
    case "map":
      return code(`t.list(t.struct({ key: t.string(), value: ${inner(parts.values)} }))`);
    case "record": {
      const columns = columnsOf(placed, types, path, depth + 1);
      return code(["t.struct({", ...columns, `${"  ".repeat(depth)}})`].join("\n"));
    }
    default:
      throw new NoColumns(`${path.join(".")}: there is no column of type ${JSON.stringify(kind)}`);
  }
}

function timestamp(logicalType: unknown): string | undefined {
  const unit = /^(?:local-)?timestamp-(milli|micro|nano)s$/.exec(String(logicalType))?.[1];
  return unit === undefined ? undefined : `t.timestamp("${{ milli: "ms", micro: "us", nano: "ns" }[unit]}")`;
}

function kindOf(type: Json): unknown {
  return typeof type === "string" || isList(type) ? type : type.type;
}

function isList(type: Json): type is readonly Json[] {
  return Array.isArray(type);
}

function fullName(name: string, namespace: string): string {
  return namespace === "" || name.includes(".") ? name : `${namespace}.${name}`;
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    // A registry may give a primitive's name without quotes.
    return text;
  }
}
