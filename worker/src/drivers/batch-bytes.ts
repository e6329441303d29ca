import type { Batch, Column } from "../native.js";

/** Bytes of a batch's rows as columns: values, offsets and nulls, looked up once for each column. */
export function batchBytes({ length, columns }: Batch): number {
  return columns.reduce((sum, column) => sum + bytesBetween(column, 0, length), 0);
}

/** A batch may be a part of a greater one: texts and items of lists that belong to other rows are not counted. */
function bytesBetween({ length, values, offsets, valid, children }: Column, from: number, to: number): number {
  const rows = to - from;
  if (rows <= 0) return 0;
  const nulls = valid === undefined ? 0 : (rows + 7) >> 3;
  const inChildren = (begin: number, end: number) =>
    children.reduce((sum, child) => sum + bytesBetween(child, begin, end), 0);
  // A struct has nothing of its own; all values of other columns have one width.
  if (offsets === undefined) {
    return nulls + inChildren(from, to) + Math.ceil(((values?.byteLength ?? 0) * rows) / length);
  }
  const view = new DataView(offsets.buffer, offsets.byteOffset, offsets.byteLength);
  const [begin, end] = [view.getInt32(from * 4, true), view.getInt32(to * 4, true)];
  return nulls + 4 * (rows + 1) + (values === undefined ? inChildren(begin, end) : end - begin);
}
