/** 1234567 as "1,234,567". */
export function number(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Milliseconds as "820 ms", "4.2 s", "3 min", "5 h" or "2 d"; event time ahead of the clock counts as none. */
export function duration(milliseconds: number): string {
  const value = Math.max(0, milliseconds);
  if (value < 1000) return `${Math.round(value)} ms`;
  if (value < 60_000) return `${(value / 1000).toFixed(1)} s`;
  if (value < 3_600_000) return `${Math.round(value / 60_000)} min`;
  return value < 86_400_000 ? `${Math.round(value / 3_600_000)} h` : `${Math.round(value / 86_400_000)} d`;
}

const UNITS = ["KB", "MB", "GB", "TB"];

/** Bytes as "820 B", "4.2 MB"; a KB is 1,024 bytes, as in a job's sizes. */
export function size(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  const power = Math.min(UNITS.length, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(1)} ${UNITS[power - 1]}`;
}
