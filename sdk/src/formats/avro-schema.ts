import { PlanError } from "../errors.js";
import type { DataType, Field, TimeUnit } from "../schema/type.js";

/** A schema as Avro writes it in JSON. */
export type AvroType = string | AvroType[] | { readonly [key: string]: unknown };

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The schema of rows. A column that may be null is a union with null, which is its default. */
export function recordOf(fields: readonly Field[], name: string): AvroType {
  const dot = name.lastIndexOf(".");
  const [namespace, own] = [name.slice(0, Math.max(dot, 0)), name.slice(dot + 1)];
  if (!NAME.test(own)) throw new PlanError(`avro: "${name}" is no name of a record: letters, digits and "_"`);
  return { type: "record", name: own, ...(namespace === "" ? {} : { namespace }), fields: fieldsOf(fields, own) };
}

function fieldsOf(fields: readonly Field[], path: string): AvroType[] {
  return fields.map(({ name, type, nullable }) => {
    if (!NAME.test(name)) {
      throw new PlanError(`avro: it has no fields like "${name}", but with letters, digits and "_": rename the column`);
    }
    const inner = typeOf(type, `${path}_${name}`);
    return nullable ? { name, type: ["null", inner], default: null } : { name, type: inner };
  });
}

/** `path` names the records inside, which must differ. */
function typeOf(type: DataType, path: string): AvroType {
  switch (type.kind) {
    case "bool":
      return "boolean";
    case "int32":
      return "int";
    case "int64":
      return "long";
    case "float64":
      return "double";
    case "decimal":
      return { type: "bytes", logicalType: "decimal", precision: type.precision, scale: type.scale };
    case "string":
      return "string";
    case "bytes":
      return "bytes";
    case "timestamp":
      return { type: "long", logicalType: `timestamp-${UNITS[type.unit]}` };
    case "date":
      return { type: "int", logicalType: "date" };
    case "list": {
      const item = typeOf(type.item.type, path);
      return { type: "array", items: type.item.nullable ? ["null", item] : item };
    }
    case "struct":
      return { type: "record", name: path, fields: fieldsOf(type.fields, path) };
  }
}

/** Avro has no seconds. */
const UNITS = { s: "millis", ms: "millis", us: "micros", ns: "nanos" } as const satisfies Record<TimeUnit, string>;

/** The full name of the record that a schema's text describes; `undefined` where it is none. */
export function recordName(text: string): string | undefined {
  const schema = JSON.parse(text) as { name?: unknown; namespace?: unknown } | null;
  if (typeof schema?.name !== "string") return undefined;
  const { name, namespace } = schema;
  return name.includes(".") || typeof namespace !== "string" || namespace === "" ? name : `${namespace}.${name}`;
}
