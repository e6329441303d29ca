/** A row of every test: what belongs to its id can be told from the id. */
export interface Row {
  readonly id: number;
  readonly key: string;
  readonly text: string;
}

const KEYS = 97;

export const rowOf = (id: number): Row => ({ id, key: String(id % KEYS), text: `row ${id}` });

/** One that fills memory. */
export const wideRow = (id: number): Row => ({ ...rowOf(id), text: "w".repeat(1000) });

export const rowsOf = (from: number, to: number, make = rowOf): Row[] =>
  Array.from({ length: to - from }, (_, index) => make(from + index));

/** How long a row is as JSON. */
export const jsonBytes = (row: Row): number => Buffer.byteLength(JSON.stringify(row));

/** The row of a line of JSON. */
export const parseRow = (line: string | Buffer): Row => JSON.parse(String(line)) as Row;

/** The rows of text with a line a row. */
export const parseLines = (text: string | Buffer): Row[] =>
  String(text)
    .split("\n")
    .filter((line) => line !== "")
    .map(parseRow);

/**
 * What is wrong with rows that are to be those up to `count`: once each, or with `again` also more often, or with `some` also
 * not at all.
 */
export function differences(
  rows: readonly Row[],
  count: number,
  { again = false, some = false, make = rowOf } = {},
): string[] {
  const times = new Map<number, number>();
  const lines: string[] = [];
  for (const row of rows) {
    times.set(row.id, (times.get(row.id) ?? 0) + 1);
    const { key, text } = make(row.id);
    if (row.key !== key || row.text !== text) lines.push(`row ${row.id} is ${JSON.stringify(row)}`);
  }
  for (let id = 0; id < count; id++) if (!times.has(id) && !some) lines.push(`row ${id} is missing`);
  for (const [id, n] of times) {
    if (id >= count) lines.push(`row ${id} is not expected`);
    if (n > 1 && !again) lines.push(`row ${id} is there ${n} times`);
  }
  return lines.slice(0, 20);
}
