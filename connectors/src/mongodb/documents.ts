import type { DataType, Field } from "millrace";
import type { Document } from "mongodb";
import type { Row } from "../driver/driver.js";
import type { Mongo } from "./connect.js";

/** The classes that values of BSON have in JavaScript. */
export type Bson = Pick<Mongo, "Binary" | "Decimal128" | "Double" | "ObjectId">;

type Convert = (value: unknown) => unknown;

/** A value that has no place in a document. */
export class NotStorable extends Error {}

/** Makes values of documents of a column's values; null stays null. */
export function toBson(field: Field, bson: Bson, isObjectId = false): Convert {
  const convert = isObjectId ? objectId(bson) : storing(field.type, bson);
  return (value) => {
    if (value === null || value === undefined) return null;
    try {
      return convert(value);
    } catch (error) {
      throw new NotStorable(`column "${field.name}": ${error instanceof Error ? error.message : String(error)}`);
    }
  };
}

function objectId({ ObjectId }: Bson): Convert {
  return (value) => {
    if (isObjectIdText(value)) return new ObjectId(value);
    throw new NotStorable(`${JSON.stringify(value)} is not an ObjectId, which has 24 hexadecimal digits`);
  };
}

export function isObjectIdText(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{24}$/i.test(value);
}

function storing(type: DataType, bson: Bson): Convert {
  const { Binary, Decimal128, Double } = bson;
  switch (type.kind) {
    case "float64":
      // A number without a fraction would become an int.
      return (value) => new Double(value as number);
    case "timestamp":
      return dateOf(type.unit);
    case "decimal":
      return (value) => Decimal128.fromString(value as string);
    case "bytes":
      return (value) => new Binary(value as Uint8Array);
    case "list": {
      const item = toBson(type.item, bson);
      return (value) => (value as unknown[]).map(item);
    }
    case "struct":
      return documentOf(type.fields, bson);
    default:
      // Of int64 there are bigints, which the driver writes as such.
      return (value) => value;
  }
}

/** Makes documents of rows, with a field for each column. */
export function documentOf(
  fields: readonly Field[],
  bson: Bson,
  objectIds: readonly string[] = [],
): (row: unknown) => Document {
  const converts = fields.map((field) => [field.name, toBson(field, bson, objectIds.includes(field.name))] as const);
  return (row) => {
    const document: Document = {};
    for (const [name, convert] of converts) document[name] = convert((row as Row)[name]);
    return document;
  };
}

const LONGEST_DATE_MS = 8.64e15;

/** Dates have milliseconds; what is finer is cut off. */
function dateOf(unit: "s" | "ms" | "us" | "ns"): Convert {
  const perMs = unit === "us" ? 1000n : 1_000_000n;
  return (value) => {
    const ms =
      unit === "s" ? (value as number) * 1000 : unit === "ms" ? (value as number) : floored(value as bigint, perMs);
    if (Math.abs(ms) > LONGEST_DATE_MS) throw new NotStorable(`${value} ${unit} are beyond MongoDB's dates`);
    return new Date(ms);
  };
}

function floored(value: bigint, by: bigint): number {
  return Number(value / by) - (value < 0n && value % by !== 0n ? 1 : 0);
}

/**
 * Makes values of a column of values of documents, of every kind that says the same; the others are given as they are, and do
 * not fit. Missing ones are null.
 */
export function fromBson(type: DataType): Convert {
  const convert = reading(type);
  return (value) => (value === null || value === undefined ? null : convert(value));
}

function reading(type: DataType): Convert {
  switch (type.kind) {
    case "int32":
      return (value) => (typeof value === "bigint" ? Number(value) : value);
    case "int64":
      return (value) => (Number.isInteger(value) ? BigInt(value as number) : shown(value));
    case "float64":
      return (value) => (typeof value === "bigint" ? Number(value) : shown(value));
    case "decimal":
      return (value) => decimalText(kindOf(value) === "Decimal128" ? String(value) : value, type.scale);
    case "string":
      return textOf;
    case "bytes":
      return (value) => (kindOf(value) === "Binary" ? (value as { value(): Uint8Array }).value() : shown(value));
    case "timestamp":
      return (value) => (isDate(value) ? timeOf(value.getTime(), type.unit) : shown(value));
    case "date":
      return (value) => (isDate(value) ? value.toISOString().slice(0, 10) : shown(value));
    case "list": {
      const item = fromBson(type.item.type);
      return (value) => (Array.isArray(value) ? value.map(item) : shown(value));
    }
    case "struct": {
      const row = rowOf(type.fields);
      return (value) => (isDocument(value) ? row(value) : misfit(type, value));
    }
    default:
      return shown;
  }
}

/** What is no document fits no struct: so none of its parts fits, where each of them might be null. */
function misfit(type: DataType, value: unknown): unknown {
  if (type.kind !== "struct") return { "not a document": value };
  return Object.fromEntries(type.fields.map((field) => [field.name, misfit(field.type, value)]));
}

/** Makes rows of documents. */
export function rowOf(fields: readonly Field[]): (document: Document) => Record<string, unknown> {
  const converts = fields.map(({ name, type }) => [name, fromBson(type)] as const);
  return (document) => {
    const row: Record<string, unknown> = {};
    for (const [name, convert] of converts) row[name] = convert(document[name]);
    return row;
  };
}

export function timeOf(ms: number, unit: "s" | "ms" | "us" | "ns"): number | bigint {
  switch (unit) {
    case "s":
      return Math.floor(ms / 1000);
    case "ms":
      return ms;
    case "us":
      return BigInt(ms) * 1000n;
    case "ns":
      return BigInt(ms) * 1_000_000n;
  }
}

const UUID_SUBTYPE = 4;

/** Ids of the server are texts, as its shell shows them. */
function textOf(value: unknown): unknown {
  const kind = kindOf(value);
  if (kind === "ObjectId") return String(value);
  if (kind === "Binary" && (value as { sub_type: number }).sub_type === UUID_SUBTYPE) {
    return (value as { toUUID(): unknown }).toUUID()?.toString();
  }
  return shown(value);
}

/** Digits without an exponent, `scale` of them behind the point, or more where they are not zeros. */
function decimalText(value: unknown, scale: number): unknown {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "bigint") return shown(value);
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(String(value)) ?? [];
  if (whole === "") return value;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  // What is beyond any column is not written out.
  if (Math.abs(point) > 100) return /^0*$/.test(digits) ? decimalText("0", scale) : value;
  const padded = point <= 0 ? "0".repeat(1 - point) + digits : digits.padEnd(point, "0");
  const end = Math.max(point, 1);
  const behind = padded.slice(end);
  const fits = behind.slice(0, scale).padEnd(scale, "0") + behind.slice(scale).replace(/0+$/, "");
  return `${sign}${padded.slice(0, end).replace(/^0+(?=\d)/, "")}${fits === "" ? "" : `.${fits}`}`;
}

/** What is not of the column's type, so that a message can show it. */
function shown(value: unknown): unknown {
  return kindOf(value) === undefined ? value : { [`$${kindOf(value)}`]: String(value) };
}

function kindOf(value: unknown): string | undefined {
  return (value as { _bsontype?: string } | undefined)?._bsontype;
}

function isDate(value: unknown): value is Date {
  return value instanceof Date && !Number.isNaN(value.getTime());
}

function isDocument(value: unknown): value is Document {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date) && kindOf(value) === undefined;
}
