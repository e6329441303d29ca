import { number } from "./figures.js";

type Row = Readonly<Record<string, unknown>>;

/** Keeps the rows of one table sink that are to be seen: those that came last. */
export class LiveTable {
  #rows: Row[] = [];

  constructor(
    readonly title: string,
    private readonly limit: number,
  ) {}

  add(rows: readonly Row[]): void {
    this.#rows = [...this.#rows, ...rows].slice(-this.limit);
  }

  /** The table's lines, the latest rows first. */
  lines(): string[] {
    const rows = this.#rows.toReversed();
    const names = Object.keys(rows[0] ?? {});
    const cells = rows.map((row) => names.map((name) => cell(name, row[name])));
    const widths = names.map((name, column) =>
      Math.max(name.length, ...cells.map((row) => (row[column] as string).length)),
    );
    const isNumber = names.map((name) => rows.some((row) => ["bigint", "number"].includes(typeof row[name])));
    const line = (row: readonly string[]) =>
      row
        .map((text, column) =>
          isNumber[column] ? text.padStart(widths[column] as number) : text.padEnd(widths[column] as number),
        )
        .join("  ");
    const rule = widths.map((width) => "─".repeat(width)).join("──");
    const body = rows.length === 0 ? ["(no rows yet)"] : [line(names), rule, ...cells.map(line)];
    return [...(this.title === "" ? [] : [this.title]), ...body];
  }
}

/** Times are told as such by where they lie: milliseconds of this century. */
function cell(name: string, value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" && isTimeName(name) && value > 946_684_800_000)
    return new Date(value).toISOString().slice(11, 23);
  if (typeof value === "bigint") return value.toLocaleString("en-US");
  if (typeof value === "number") return Number.isInteger(value) ? number(value) : value.toFixed(2);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function isTimeName(name: string): boolean {
  return /start|end|time|at$/i.test(name);
}

/** A row as a line of JSON, int64 as numbers. */
export function jsonLine(row: Row): string {
  return JSON.stringify(row, (_, value) => (typeof value === "bigint" ? Number(value) : value));
}
