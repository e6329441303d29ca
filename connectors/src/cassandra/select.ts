import type { Row } from "../driver/driver.js";
import { type Column, quoted, type Table } from "./table.js";

/** What a SELECT names; of no columns a part of the key, as a row has to have something. */
export function selected(columns: readonly Column[], { partitionKey }: Table): string {
  const names = columns.length > 0 ? columns.map(({ name }) => name) : partitionKey;
  return names.map(quoted).join(", ");
}

/** What the driver has made of a row, as the job has its columns. */
export function rowOf(found: Row, columns: readonly Column[]): Row {
  const row: Record<string, unknown> = {};
  for (const { name, codec } of columns) row[name] = codec.read(found[name]);
  return row;
}
