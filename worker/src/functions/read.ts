import type { DataType } from "millrace";
import type { Column } from "../native.js";
import { type RowReader, rowReader } from "./row-code.js";
import { TextReader } from "./text.js";

/**
 * Reads the values of one column as JavaScript has them. The same reader takes the column of one batch after the other:
 * so the code that reads rows always meets the same object, and is compiled for its class.
 */
export interface Reader {
  /** A bit a row, 0 for null; absent where there are no nulls. */
  readonly valid: Uint8Array | undefined;
  take(column: Column): void;
  /** The value of a row that is not null. */
  get(row: number): unknown;
}

/** A reader of the columns of a type. */
export function readerOf(type: DataType): Reader {
  switch (type.kind) {
    case "bool":
      return new BoolReader();
    case "int32":
      return new Int32Reader();
    case "int64":
      return new Int64Reader();
    case "float64":
      return new Float64Reader();
    case "timestamp":
      return type.unit === "s" || type.unit === "ms" ? new TimeReader() : new Int64Reader();
    case "date":
      return new DateReader();
    case "decimal":
      return new DecimalReader(type.scale);
    case "string":
      return new TextReader();
    case "bytes":
      return new BytesReader();
    case "list":
      return new ListReader(readerOf(type.item.type));
    case "struct":
      return new StructReader(rowReader(type.fields));
  }
}

/** The value of a row, null included. */
export function valueAt(reader: Reader, row: number): unknown {
  return reader.valid === undefined || isSet(reader.valid, row) ? reader.get(row) : null;
}

export function isSet(bits: Uint8Array, row: number): boolean {
  return (((bits[row >> 3] as number) >> (row & 7)) & 1) === 1;
}

const NOTHING = new Uint8Array(0);

/** A view of a column's values as numbers of their width. */
export const views = {
  // Columns without rows have buffers that are not aligned.
  int32: ({ values = NOTHING, length }: Column) =>
    length === 0 ? new Int32Array(0) : new Int32Array(values.buffer, values.byteOffset, length),
  int64: ({ values = NOTHING, length }: Column) =>
    length === 0 ? new BigInt64Array(0) : new BigInt64Array(values.buffer, values.byteOffset, length),
  float64: ({ values = NOTHING, length }: Column) =>
    length === 0 ? new Float64Array(0) : new Float64Array(values.buffer, values.byteOffset, length),
  offsets: ({ offsets = NOTHING, length }: Column) =>
    length === 0 ? new Int32Array(1) : new Int32Array(offsets.buffer, offsets.byteOffset, length + 1),
};

class BoolReader implements Reader {
  valid: Uint8Array | undefined = undefined;
  #bits: Uint8Array = NOTHING;

  take({ valid, values = NOTHING }: Column): void {
    this.valid = valid;
    this.#bits = values;
  }

  get(row: number): boolean {
    return isSet(this.#bits, row);
  }
}

class Int32Reader implements Reader {
  valid: Uint8Array | undefined = undefined;
  #values: Int32Array = new Int32Array(0);

  take(column: Column): void {
    this.valid = column.valid;
    this.#values = views.int32(column);
  }

  get(row: number): number {
    return this.#values[row] as number;
  }
}

class Int64Reader implements Reader {
  valid: Uint8Array | undefined = undefined;
  #values: BigInt64Array = new BigInt64Array(0);

  take(column: Column): void {
    this.valid = column.valid;
    this.#values = views.int64(column);
  }

  get(row: number): bigint {
    return this.#values[row] as bigint;
  }
}

class Float64Reader implements Reader {
  valid: Uint8Array | undefined = undefined;
  #values: Float64Array = new Float64Array(0);

  take(column: Column): void {
    this.valid = column.valid;
    this.#values = views.float64(column);
  }

  get(row: number): number {
    return this.#values[row] as number;
  }
}

/** Times as numbers, put together of their halves: without a bigint in between. */
class TimeReader implements Reader {
  valid: Uint8Array | undefined = undefined;
  #high: Int32Array = new Int32Array(0);
  #low: Uint32Array = new Uint32Array(0);

  take(column: Column): void {
    const { buffer, byteOffset, length } = views.int64(column);
    this.valid = column.valid;
    this.#high = new Int32Array(buffer, byteOffset, length * 2);
    this.#low = new Uint32Array(buffer, byteOffset, length * 2);
  }

  get(row: number): number {
    return (this.#high[row * 2 + 1] as number) * 2 ** 32 + (this.#low[row * 2] as number);
  }
}

const DAY_MS = 86_400_000;

/** Dates as text. Rows that follow each other tend to be of the same day. */
class DateReader implements Reader {
  valid: Uint8Array | undefined = undefined;
  #days: Int32Array = new Int32Array(0);
  #day = 0;
  #text = "1970-01-01";

  take(column: Column): void {
    this.valid = column.valid;
    this.#days = views.int32(column);
  }

  get(row: number): string {
    const day = this.#days[row] as number;
    if (day !== this.#day) {
      this.#text = new Date(day * DAY_MS).toISOString().slice(0, 10);
      this.#day = day;
    }
    return this.#text;
  }
}

class DecimalReader implements Reader {
  valid: Uint8Array | undefined = undefined;
  #halves: BigInt64Array = new BigInt64Array(0);

  constructor(private readonly scale: number) {}

  take({ valid, values = NOTHING, length }: Column): void {
    this.valid = valid;
    this.#halves = views.int64({ values, length: length * 2, children: [] });
  }

  get(row: number): string {
    const [low, high] = [this.#halves[row * 2] as bigint, this.#halves[row * 2 + 1] as bigint];
    const unscaled = (high << 64n) | BigInt.asUintN(64, low);
    const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(this.scale + 1, "0");
    const point = digits.length - this.scale;
    const sign = unscaled < 0n ? "-" : "";
    return `${sign}${digits.slice(0, point)}${this.scale === 0 ? "" : `.${digits.slice(point)}`}`;
  }
}

class BytesReader implements Reader {
  valid: Uint8Array | undefined = undefined;
  #bytes: Uint8Array = NOTHING;
  #offsets: Int32Array = new Int32Array(1);

  take(column: Column): void {
    this.valid = column.valid;
    this.#bytes = column.values ?? NOTHING;
    this.#offsets = views.offsets(column);
  }

  /** A copy: rows are kept, and the core's memory is not theirs. */
  get(row: number): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(this.#offsets[row], this.#offsets[row + 1]));
  }
}

class ListReader implements Reader {
  valid: Uint8Array | undefined = undefined;
  #offsets: Int32Array = new Int32Array(1);

  constructor(private readonly items: Reader) {}

  take(column: Column): void {
    this.valid = column.valid;
    this.#offsets = views.offsets(column);
    this.items.take(column.children[0] as Column);
  }

  get(row: number): unknown[] {
    const [start, end] = [this.#offsets[row] as number, this.#offsets[row + 1] as number];
    return Array.from({ length: end - start }, (_, index) => valueAt(this.items, start + index));
  }
}

class StructReader implements Reader {
  valid: Uint8Array | undefined = undefined;

  constructor(private readonly rows: RowReader) {}

  take(column: Column): void {
    this.valid = column.valid;
    this.rows.take(column.children);
  }

  get(row: number): Record<string, unknown> {
    return this.rows.get(row);
  }
}
