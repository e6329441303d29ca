import { type DataType, type Field, FunctionError, type UserFunction } from "millrace";
import type { Batch, Column, Mapped } from "../native.js";
import { isSet, type Read, reader, rowReader, views } from "./read.js";
import { bitmap, columnsOf, writeColumn } from "./write.js";

/** A user function as the core calls it: a batch in, a batch out. */
export function caller(userFunction: UserFunction): (batch: Batch) => Mapped {
  const { kind, input, output, step } = userFunction;
  // The SDK has typed the function by its schemas.
  const fn = userFunction.fn as (value: unknown) => unknown;
  const run = { map, flatMap, mapBatch }[kind];
  return (batch) => {
    try {
      return run(fn, batch, input.fields, output.fields);
    } catch (error) {
      if (error instanceof FunctionError) throw new FunctionError(error.message, step);
      const message = error instanceof Error ? error.message : String(error);
      throw new FunctionError(`the function threw: ${message}`, step, { cause: error });
    }
  };
}

type Function = (value: unknown) => unknown;

function map(fn: Function, batch: Batch, input: readonly Field[], output: readonly Field[]): Mapped {
  const row = rowReader(input, batch.columns);
  const rows = Array.from({ length: batch.length }, (_, index) => fn(row(index)));
  return { rows: { length: rows.length, columns: columnsOf(output, rows) } };
}

function flatMap(fn: Function, batch: Batch, input: readonly Field[], output: readonly Field[]): Mapped {
  const row = rowReader(input, batch.columns);
  const rows: unknown[] = [];
  const origin: number[] = [];
  for (let index = 0; index < batch.length; index++) {
    const made = fn(row(index));
    if (typeof made !== "object" || made === null || !(Symbol.iterator in made)) {
      throw new FunctionError(`row ${index}: flatMap returns an array, or anything else that can be iterated`);
    }
    for (const one of made as Iterable<unknown>) {
      rows.push(one);
      origin.push(index);
    }
  }
  return { rows: { length: rows.length, columns: columnsOf(output, rows) }, origin: Uint32Array.from(origin) };
}

function mapBatch(fn: Function, batch: Batch, input: readonly Field[], output: readonly Field[]): Mapped {
  const positions = new Map(input.map((field, index) => [field.name, index]));
  const columns = input.map((field, index) => [field.name, exposed(field.type, batch.columns[index] as Column)]);
  const made = fn({
    length: batch.length,
    columns: Object.fromEntries(columns),
    isNull(name: string, row: number) {
      const { valid } = batch.columns[positions.get(name) ?? -1] ?? {};
      return valid !== undefined && !isSet(valid, row);
    },
  }) as Record<string, unknown>;
  return {
    rows: { length: batch.length, columns: output.map((field) => returned(field, batch.length, made?.[field.name])) },
  };
}

/** A column as `.mapBatch` gets it: numbers as they lie in memory. */
function exposed(type: DataType, column: Column): unknown {
  if (column.length === 0) return [];
  switch (type.kind) {
    case "int32":
    case "date":
      return views.int32(column);
    case "int64":
    case "timestamp":
      return views.int64(column);
    case "float64":
      return views.float64(column);
    case "bool": {
      const { values = new Uint8Array(0) } = column;
      return Uint8Array.from({ length: column.length }, (_, row) => Number(isSet(values, row)));
    }
    default:
      return lazily(column.length, reader(type, column));
  }
}

function lazily(length: number, get: Read): unknown {
  return {
    length,
    get,
    *[Symbol.iterator]() {
      for (let row = 0; row < length; row++) yield get(row);
    },
  };
}

const ARRAYS = {
  int32: Int32Array,
  date: Int32Array,
  int64: BigInt64Array,
  timestamp: BigInt64Array,
  float64: Float64Array,
  bool: Uint8Array,
} as const;

function returned(field: Field, length: number, column: unknown): Column {
  if (column === undefined || column === null)
    throw new FunctionError(`column "${field.name}" is missing in what mapBatch returned`);
  const size = (column as ArrayLike<unknown>).length;
  if (size !== length) {
    throw new FunctionError(
      `column "${field.name}": it has ${size} rows, the batch has ${length}; mapBatch returns as many as it gets`,
    );
  }
  const TypedArray = ARRAYS[field.type.kind as keyof typeof ARRAYS];
  if (TypedArray !== undefined && column instanceof TypedArray) {
    const values = field.type.kind === "bool" ? bitmap(column as Uint8Array) : column;
    return {
      length,
      values: new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength),
      children: [],
    };
  }
  if (Array.isArray(column)) return writeColumn(field, length, (row) => column[row]);
  const { get } = column as { get?: unknown };
  if (typeof get === "function") return writeColumn(field, length, (row) => (column as { get: Read }).get(row));
  throw new FunctionError(`column "${field.name}": a ${TypedArray?.name ?? "column"} or an array is expected`);
}
