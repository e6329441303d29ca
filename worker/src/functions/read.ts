import type { DataType, Field } from "millrace";
import type { Column } from "../native.js";

/** The value of a row, null included. */
export type Read = (row: number) => unknown;

/** Reads a column's values as JavaScript has them. */
export function reader(type: DataType, column: Column): Read {
  const read = present(type, column);
  const { valid } = column;
  if (valid === undefined) return read;
  return (row) => (isSet(valid, row) ? read(row) : null);
}

/** Makes row objects of a batch's columns. */
export function rowReader(
  fields: readonly Field[],
  columns: readonly Column[],
): (row: number) => Record<string, unknown> {
  const names = fields.map((field) => field.name);
  const reads = fields.map((field, index) => reader(field.type, columns[index] as Column));
  return (row) => {
    const object: Record<string, unknown> = {};
    for (let index = 0; index < names.length; index++) object[names[index] as string] = (reads[index] as Read)(row);
    return object;
  };
}

export function isSet(bits: Uint8Array, row: number): boolean {
  return (((bits[row >> 3] as number) >> (row & 7)) & 1) === 1;
}

const NOTHING = new Uint8Array(0);

/** A view of a column's values as numbers of their width. */
export const views = {
  int32: ({ values = NOTHING, length }: Column) => new Int32Array(values.buffer, values.byteOffset, length),
  int64: ({ values = NOTHING, length }: Column) => new BigInt64Array(values.buffer, values.byteOffset, length),
  float64: ({ values = NOTHING, length }: Column) => new Float64Array(values.buffer, values.byteOffset, length),
  offsets: ({ offsets = NOTHING, length }: Column) => new Int32Array(offsets.buffer, offsets.byteOffset, length + 1),
};

function present(type: DataType, column: Column): Read {
  if (column.length === 0) return () => null;
  switch (type.kind) {
    case "bool": {
      const bits = column.values ?? NOTHING;
      return (row) => isSet(bits, row);
    }
    case "int32":
      return indexed(views.int32(column));
    case "int64":
      return indexed(views.int64(column));
    case "float64":
      return indexed(views.float64(column));
    case "timestamp": {
      const times = views.int64(column);
      return type.unit === "s" || type.unit === "ms" ? (row) => Number(times[row]) : indexed(times);
    }
    case "date": {
      const days = views.int32(column);
      return (row) => new Date((days[row] as number) * 86_400_000).toISOString().slice(0, 10);
    }
    case "decimal": {
      const { values = NOTHING } = column;
      const halves = new BigInt64Array(values.buffer, values.byteOffset, column.length * 2);
      return (row) => decimal(halves, row, type.scale);
    }
    case "string": {
      const [bytes, offsets] = [buffer(column), views.offsets(column)];
      return (row) => bytes.toString("utf8", offsets[row], offsets[row + 1]);
    }
    case "bytes": {
      const [bytes, offsets] = [buffer(column), views.offsets(column)];
      // A copy: rows are kept, and the core's memory is not theirs.
      return (row) => Uint8Array.from(bytes.subarray(offsets[row], offsets[row + 1]));
    }
    case "list": {
      const [item, offsets] = [reader(type.item.type, column.children[0] as Column), views.offsets(column)];
      return (row) => {
        const [start, end] = [offsets[row] as number, offsets[row + 1] as number];
        return Array.from({ length: end - start }, (_, index) => item(start + index));
      };
    }
    case "struct":
      return rowReader(type.fields, column.children);
  }
}

function indexed(values: ArrayLike<number | bigint>): Read {
  return (row) => values[row];
}

function buffer({ values = NOTHING }: Column): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

function decimal(halves: BigInt64Array, row: number, scale: number): string {
  const unscaled = ((halves[row * 2 + 1] as bigint) << 64n) | BigInt.asUintN(64, halves[row * 2] as bigint);
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  const point = digits.length - scale;
  const sign = unscaled < 0n ? "-" : "";
  return `${sign}${digits.slice(0, point)}${scale === 0 ? "" : `.${digits.slice(point)}`}`;
}
