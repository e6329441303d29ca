/** A column of a table in text. */
export interface TableColumn<T> {
  readonly title: string;
  readonly of: (row: T) => string;
  /** Numbers stand at the right. */
  readonly isNumber?: boolean;
}

/** Rows under their titles, in columns as wide as what is in them. */
export function table<T>(columns: readonly TableColumn<T>[], rows: readonly T[]): string[] {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ of }) => of(row)))];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => (row[index] as string).length)));
  const padded = (text: string, index: number) => {
    const width = widths[index] as number;
    return columns[index]?.isNumber ? text.padStart(width) : text.padEnd(width);
  };
  return cells.map((row) => row.map(padded).join("  ").trimEnd());
}
