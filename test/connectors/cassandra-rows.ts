/** The columns of the tables that the jobs of the tests write. */
export const ROW = "place text, id bigint, revision bigint, note text, PRIMARY KEY (place, id)";

/** Rows from an id on, of so many partitions that each node is the first to be asked for some. */
export function lines(from: number, count: number): string {
  const row = (n: number) => ({ place: `place-${n % 97}`, id: n, revision: 0, note: null });
  return Array.from({ length: count }, (_, n) => `${JSON.stringify(row(from + n))}\n`).join("");
}
