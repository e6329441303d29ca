import { type DataType, type Field, FunctionError } from "millrace";
import type { Column } from "../native.js";
import {
  BoolWriter,
  BytesWriter,
  DateWriter,
  DecimalWriter,
  Float64Writer,
  Int32Writer,
  Int64Writer,
  ListWriter,
  StructWriter,
  TextWriter,
  TimeWriter,
} from "./writers.js";

/** Gathers the values of one column, row after row, from one batch after the other in the same memory. */
export interface Writer {
  begin(): void;
  /** The value of a row, null and undefined excepted; false: it is not of the type. */
  set(row: number, value: unknown): boolean;
  /** Nothing stands in the row. */
  skip(row: number): void;
  /** What it gives holds until the next batch begins. */
  finish(length: number): Column;
}

/** A column with its nulls, each value checked against the field's type. */
export class FieldWriter {
  readonly values: Writer;
  readonly #field: Field;
  readonly #where: string;
  #nulls = 0;
  #valid = new Uint8Array(0);

  constructor(field: Field, where = `column "${field.name}"`) {
    this.#field = field;
    this.#where = where;
    this.values = writerOf(field.type, where);
  }

  begin(): void {
    this.#nulls = 0;
    this.values.begin();
  }

  put(row: number, value: unknown): void {
    if (value === null || value === undefined) this.setNull(row, value);
    else if (!this.values.set(row, value)) this.reject(row, value);
  }

  setNull(row: number, value: unknown): void {
    if (!this.#field.nullable)
      throw new FunctionError(`row ${row}: ${this.#where}: it is ${show(value)}, and not nullable`);
    this.skip(row);
  }

  /** A null, whatever the field: what it is a part of is null. */
  skip(row: number): void {
    if (this.#nulls === 0) this.#valid.fill(0xff);
    this.#validFor(row + 1);
    this.#valid[row >> 3] = (this.#valid[row >> 3] as number) & ~(1 << (row & 7));
    this.#nulls += 1;
    this.values.skip(row);
  }

  reject(row: number, value: unknown): never {
    const found = `${typeof value} ${show(value)}`;
    throw new FunctionError(`row ${row}: ${this.#where}: expected ${expected(this.#field.type)}, found ${found}`);
  }

  finish(length: number): Column {
    const column = this.values.finish(length);
    if (this.#nulls === 0) return column;
    this.#validFor(length);
    return { ...column, valid: this.#valid.subarray(0, (length + 7) >> 3) };
  }

  #validFor(rows: number): void {
    const bytes = (rows + 7) >> 3;
    if (this.#valid.length >= bytes) return;
    const valid = new Uint8Array(Math.max(bytes, this.#valid.length * 2)).fill(0xff);
    valid.set(this.#valid);
    this.#valid = valid;
  }
}

/** A column of the values that `get` gives for `length` rows. */
export function writeColumn(field: Field, length: number, get: (row: number) => unknown): Column {
  const writer = new FieldWriter(field);
  writer.begin();
  for (let row = 0; row < length; row++) writer.put(row, get(row));
  return writer.finish(length);
}

function writerOf(type: DataType, where: string): Writer {
  switch (type.kind) {
    case "bool":
      return new BoolWriter();
    case "int32":
      return new Int32Writer();
    case "int64":
      return new Int64Writer();
    case "float64":
      return new Float64Writer();
    case "timestamp":
      return type.unit === "s" || type.unit === "ms" ? new TimeWriter() : new Int64Writer();
    case "date":
      return new DateWriter();
    case "decimal":
      return new DecimalWriter(type.precision, type.scale);
    case "string":
      return new TextWriter();
    case "bytes":
      return new BytesWriter();
    case "list":
      return new ListWriter(new FieldWriter(type.item, `${where}: items`));
    case "struct":
      return new StructWriter(
        type.fields.map((field) => [field.name, new FieldWriter(field, `${where.slice(0, -1)}.${field.name}"`)]),
      );
  }
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

export function show(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  return (JSON.stringify(value) ?? String(value)).slice(0, 60);
}
