/** A value as text: its bigints are strings of digits. */
export function asJson(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === "bigint" ? part.toString() : part));
}
