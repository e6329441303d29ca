import { type Field, FunctionError } from "millrace";
import type { Column } from "../native.js";
import { isSet, type Reader, readerOf } from "./read.js";
import { FieldWriter, show } from "./write.js";

// Code that reads and writes rows is made for the fields of each step: it meets one class of row and one class of reader
// and writer at each place, so V8 compiles the user's function into the loop. Names of columns enter it as JSON only.

/** Makes row objects of a batch's columns. */
export interface RowReader {
  take(columns: readonly Column[]): void;
  get(row: number): Record<string, unknown>;
}

/** Makes columns of row objects, which come in order. */
export interface RowWriter {
  begin(): void;
  /** @throws FunctionError, naming the row, when `made` does not fit the fields */
  set(row: number, made: unknown): void;
  /** What it gives holds until the next batch begins. */
  finish(length: number): Column[];
}

export function rowReader(fields: readonly Field[]): RowReader {
  const readers = fields.map((field) => readerOf(field.type));
  return {
    take: (columns) => takeAll(readers, columns),
    get: compiled({ readers }, `${named("read", fields)} = readers; return (row) => ${rowCode(fields)};`),
  };
}

export function rowWriter(fields: readonly Field[]): RowWriter {
  const writers = fields.map((field) => new FieldWriter(field));
  return {
    begin: () => beginAll(writers),
    set: compiled({ writers }, `${writersCode(fields)} return (row, made) => { ${setCode(fields)} };`),
    finish: (length) => writers.map((writer) => writer.finish(length)),
  };
}

/** Passes each row of a batch through a function. */
export function rowMapper(
  fn: (row: unknown) => unknown,
  input: readonly Field[],
  output: readonly Field[],
): (columns: readonly Column[], length: number) => Column[] {
  const readers = input.map((field) => readerOf(field.type));
  const writers = output.map((field) => new FieldWriter(field));
  const run: (length: number) => void = compiled(
    { fn, readers, writers },
    `${named("read", input)} = readers; ${writersCode(output)}
    return (length) => {
      for (let row = 0; row < length; row++) {
        const made = fn(${rowCode(input)});
        ${setCode(output)}
      }
    };`,
  );
  return (columns, length) => {
    takeAll(readers, columns);
    beginAll(writers);
    run(length);
    return writers.map((writer) => writer.finish(length));
  };
}

function takeAll(readers: readonly Reader[], columns: readonly Column[]): void {
  readers.forEach((reader, index) => {
    reader.take(columns[index] as Column);
  });
}

function beginAll(writers: readonly FieldWriter[]): void {
  for (const writer of writers) writer.begin();
}

/** What a body returns that sees the given values under their names. */
function compiled<T>(values: Readonly<Record<string, unknown>>, body: string): T {
  const all = { ...values, isSet, notARow };
  return new Function(...Object.keys(all), `"use strict"; ${body}`)(...Object.values(all)) as T;
}

/** `const [read0, read1]`. */
function named(prefix: string, fields: readonly Field[]): string {
  return `const [${fields.map((_, index) => prefix + index)}]`;
}

/** An object literal of the row's values. A computed name is a column's even where it is "__proto__". */
function rowCode(fields: readonly Field[]): string {
  const members = fields.map(({ name }, index) => {
    const read = `read${index}`;
    const isNull = `${read}.valid !== undefined && !isSet(${read}.valid, row)`;
    return `[${JSON.stringify(name)}]: ${isNull} ? null : ${read}.get(row)`;
  });
  return `({ ${members.join(", ")} })`;
}

function writersCode(fields: readonly Field[]): string {
  return `${named("field", fields)} = writers; ${named("write", fields)} = writers.map((writer) => writer.values);`;
}

/** Gives the values of the row `made` to their writers. */
function setCode(fields: readonly Field[]): string {
  const sets = fields.map(({ name }, index) => {
    const value = `value${index}`;
    return `const ${value} = made[${JSON.stringify(name)}];
      if (${value} === null || ${value} === undefined) field${index}.setNull(row, ${value});
      else if (!write${index}.set(row, ${value})) field${index}.reject(row, ${value});`;
  });
  return `if (typeof made !== "object" || made === null) notARow(row, made); ${sets.join("\n")}`;
}

function notARow(row: number, made: unknown): never {
  throw new FunctionError(`row ${row}: an object is expected, found ${show(made)}`);
}
