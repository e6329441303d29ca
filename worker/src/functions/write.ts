import { type DataType, type Field, FunctionError } from "millrace";
import type { Column } from "../native.js";

/** Gives the value of a row; undefined counts as null. */
export type Get = (row: number) => unknown;

/** The columns of row objects. */
export function columnsOf(fields: readonly Field[], rows: readonly unknown[]): Column[] {
  rows.forEach((row, index) => {
    if (typeof row !== "object" || row === null)
      throw new FunctionError(`row ${index}: an object is expected, found ${show(row)}`);
  });
  return fields.map((field) =>
    writeColumn(field, rows.length, (row) => (rows[row] as Record<string, unknown>)[field.name]),
  );
}

/** A column of `length` values, each checked against the field's type. */
export function writeColumn(field: Field, length: number, get: Get): Column {
  return write(field, length, get, `column "${field.name}"`);
}

function write(field: Field, length: number, get: Get, where: string): Column {
  let nulls = 0;
  const valid = new Uint8Array((length + 7) >> 3);
  for (let row = 0; row < length; row++) {
    if (get(row) != null) valid[row >> 3] = (valid[row >> 3] as number) | (1 << (row & 7));
    else if (field.nullable) nulls += 1;
    else throw new FunctionError(`row ${row}: ${where}: it is ${show(get(row))}, and not nullable`);
  }
  const column = present(field.type, length, get, where);
  return nulls === 0 ? column : { ...column, valid };
}

function present(type: DataType, length: number, get: Get, where: string): Column {
  const fail = (row: number): never => {
    throw new FunctionError(
      `row ${row}: ${where}: expected ${expected(type)}, found ${typeof get(row)} ${show(get(row))}`,
    );
  };
  const fill = <T extends { [index: number]: V }, V>(values: T, convert: (value: unknown) => V | undefined): T => {
    for (let row = 0; row < length; row++) {
      const value = get(row);
      if (value != null) values[row] = convert(value) ?? fail(row);
    }
    return values;
  };
  switch (type.kind) {
    case "bool": {
      const flags = fill(new Uint8Array(length), (value) => (typeof value === "boolean" ? Number(value) : undefined));
      return fixed(length, bitmap(flags));
    }
    case "int32":
      return fixed(
        length,
        fill(new Int32Array(length), (v) =>
          Number.isInteger(v) && v === (v as number) >> 0 ? (v as number) : undefined,
        ),
      );
    case "int64":
      return fixed(length, fill(new BigInt64Array(length), int64));
    case "float64":
      return fixed(
        length,
        fill(new Float64Array(length), (v) => (typeof v === "number" ? v : undefined)),
      );
    case "timestamp":
      return fixed(length, fill(new BigInt64Array(length), type.unit === "s" || type.unit === "ms" ? time : int64));
    case "date":
      return fixed(length, fill(new Int32Array(length), day));
    case "decimal": {
      const halves = new BigInt64Array(length * 2);
      for (let row = 0; row < length; row++) {
        const value = get(row);
        if (value == null) continue;
        const unscaled = decimal(value, type.precision, type.scale) ?? fail(row);
        halves[row * 2] = BigInt.asIntN(64, unscaled);
        halves[row * 2 + 1] = unscaled >> 64n;
      }
      return fixed(length, halves);
    }
    case "string":
      return variable(length, (row) => {
        const value = get(row);
        return value == null ? undefined : typeof value === "string" ? Buffer.from(value, "utf8") : fail(row);
      });
    case "bytes":
      return variable(length, (row) => {
        const value = get(row);
        return value == null ? undefined : value instanceof Uint8Array ? value : fail(row);
      });
    case "list":
      return list(
        type.item,
        length,
        (row) => {
          const value = get(row);
          return value == null ? [] : Array.isArray(value) ? value : fail(row);
        },
        where,
      );
    case "struct": {
      const children = type.fields.map((field) => {
        // A null struct has no fields to speak of.
        const child = (row: number) => (get(row) as Record<string, unknown> | null | undefined)?.[field.name];
        const nullable = { ...field, nullable: field.nullable || hasNulls(length, get) };
        return write(nullable, length, child, `${where.slice(0, -1)}.${field.name}"`);
      });
      return { length, children };
    }
  }
}

function fixed(length: number, values: ArrayBufferView): Column {
  return {
    length,
    values: new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength),
    children: [],
  };
}

function variable(length: number, get: (row: number) => Uint8Array | undefined): Column {
  const parts: Uint8Array[] = [];
  const offsets = new Int32Array(length + 1);
  for (let row = 0; row < length; row++) {
    const part = get(row);
    if (part !== undefined) parts.push(part);
    offsets[row + 1] = (offsets[row] as number) + (part?.length ?? 0);
  }
  return { length, offsets: new Uint8Array(offsets.buffer), values: Buffer.concat(parts), children: [] };
}

function list(item: Field, length: number, get: (row: number) => readonly unknown[], where: string): Column {
  const offsets = new Int32Array(length + 1);
  const items: unknown[] = [];
  for (let row = 0; row < length; row++) {
    for (const value of get(row)) items.push(value);
    offsets[row + 1] = items.length;
  }
  const child = write(item, items.length, (index) => items[index], `${where}: items`);
  return { length, offsets: new Uint8Array(offsets.buffer), children: [child] };
}

function hasNulls(length: number, get: Get): boolean {
  for (let row = 0; row < length; row++) if (get(row) == null) return true;
  return false;
}

/** A bit for each byte. */
export function bitmap(flags: Uint8Array): Uint8Array {
  const bits = new Uint8Array((flags.length + 7) >> 3);
  flags.forEach((flag, row) => {
    if (flag) bits[row >> 3] = (bits[row >> 3] as number) | (1 << (row & 7));
  });
  return bits;
}

function int64(value: unknown): bigint | undefined {
  return typeof value === "bigint" && BigInt.asIntN(64, value) === value ? value : undefined;
}

function time(value: unknown): bigint | undefined {
  return Number.isSafeInteger(value) ? BigInt(value as number) : undefined;
}

function day(value: unknown): number | undefined {
  const parsed = typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(parsed) ? undefined : parsed / 86_400_000;
}

function decimal(value: unknown, precision: number, scale: number): bigint | undefined {
  const [, sign, whole = "", fraction = ""] =
    /^(-?)(\d+)(?:\.(\d+))?$/.exec(typeof value === "string" ? value : "") ?? [];
  if (sign === undefined || fraction.length > scale) return undefined;
  const unscaled = BigInt(whole + fraction.padEnd(scale, "0"));
  if (unscaled.toString().length > precision) return undefined;
  return sign === "-" ? -unscaled : unscaled;
}

const IN_JAVASCRIPT: Partial<Record<DataType["kind"], string>> = {
  int32: "a whole number",
  int64: "bigint",
  float64: "number",
  decimal: "string of digits",
  bytes: "Uint8Array",
  date: '"YYYY-MM-DD"',
  list: "array",
  struct: "object",
};

function expected(type: DataType): string {
  const known =
    type.kind === "timestamp"
      ? type.unit === "s" || type.unit === "ms"
        ? "whole number"
        : "bigint"
      : IN_JAVASCRIPT[type.kind];
  return known === undefined ? type.kind : `${type.kind} (${known})`;
}

function show(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  return (JSON.stringify(value) ?? String(value)).slice(0, 60);
}
