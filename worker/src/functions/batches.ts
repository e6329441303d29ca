import { type DataType, type Field, FunctionError, type UserFunction } from "millrace";
import type { Batch, Column, Mapped } from "../native.js";
import { isSet, type Reader, readerOf, valueAt, views } from "./read.js";
import { writeColumn } from "./write.js";
import { bitmap } from "./writers.js";

/** Passes the columns of each batch through a function. */
export function batchMapper({ fn, input, output }: UserFunction): (batch: Batch) => Mapped {
  // The SDK has typed the function by its schemas.
  const make = fn as (batch: unknown) => Record<string, unknown> | undefined;
  const positions = new Map(input.fields.map((field, index) => [field.name, index]));
  return ({ length, columns }) => {
    const given = input.fields.map(({ name, type }, index) => [name, exposed(type, columns[index] as Column)] as const);
    const isNull = (name: string, row: number) => {
      const { valid } = columns[positions.get(name) ?? -1] ?? {};
      return valid !== undefined && !isSet(valid, row);
    };
    const made = make({ length, columns: Object.fromEntries(given), isNull });
    const taken = output.fields.map((field) => {
      const column = made?.[field.name];
      const same = given.findIndex(([, exposed]) => exposed === column);
      const passes = same >= 0 && isOf(field, input.fields[same] as Field, columns[same] as Column);
      return passes ? { length, children: [], same } : returned(field, length, column);
    });
    return { rows: { length, columns: taken } };
  };
}

/** Whether an input's column can be a column of `field` as it is. */
function isOf(field: Field, { type }: Field, { valid }: Column): boolean {
  return (field.nullable || valid === undefined) && JSON.stringify(field.type) === JSON.stringify(type);
}

/** A column as `.mapBatch` gets it: numbers as they lie in memory. */
function exposed(type: DataType, column: Column): unknown {
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
      return new Decoded(type, column);
  }
}

/** A column whose values are decoded when they are asked for. */
class Decoded {
  readonly length: number;
  readonly #reader: Reader;

  constructor(type: DataType, column: Column) {
    this.length = column.length;
    this.#reader = readerOf(type);
    this.#reader.take(column);
  }

  get(row: number): unknown {
    return valueAt(this.#reader, row);
  }

  *[Symbol.iterator](): Iterator<unknown> {
    for (let row = 0; row < this.length; row++) yield this.get(row);
  }
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
  if (typeof (column as { get?: unknown }).get === "function")
    return writeColumn(field, length, (row) => (column as Decoded).get(row));
  throw new FunctionError(`column "${field.name}": a ${TypedArray?.name ?? "column"} or an array is expected`);
}
