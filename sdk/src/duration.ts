import { PlanError } from "./errors.js";

const MILLISECONDS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const BYTES = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 } as const;

/**
 * A length of time: "500ms", "10s", "1m", "2h", "1d".
 *
 * ```ts
 * import { type Duration, tumbling } from "millrace";
 * const size: Duration = "10s";
 * const window = tumbling(size);
 * ```
 */
export type Duration = `${number}${keyof typeof MILLISECONDS}`;

/**
 * A size in bytes: "64MB"; a KB is 1,024 bytes.
 *
 * ```ts
 * import { files, json, type Size } from "millrace";
 * const rollBytes: Size = "64MB";
 * const sink = files({ directory: "out", format: json(), rollBytes });
 * ```
 */
export type Size = `${number}${keyof typeof BYTES}`;

/** A duration in milliseconds; `what` names it in the error. */
export function milliseconds(duration: Duration, what: string): number {
  return parse(duration, MILLISECONDS, what, '"500ms", "10s", "1m", "2h" or "1d"');
}

/** A size in bytes; `what` names it in the error. */
export function bytes(size: Size, what: string): number {
  return parse(size, BYTES, what, '"64KB", "128MB" or "1GB"');
}

/** Milliseconds as a duration, in the largest unit that leaves no rest. */
export function durationOf(value: number): Duration {
  return inLargest(value, MILLISECONDS);
}

/** Bytes as a size, in the largest unit that leaves no rest. */
export function sizeOf(value: number): Size {
  return inLargest(value, BYTES);
}

function inLargest<U extends string>(value: number, units: Readonly<Record<U, number>>): `${number}${U}` {
  const fitting = (Object.entries(units) as [U, number][]).filter(([, unit]) => value >= unit && value % unit === 0);
  const [name, unit] = fitting.at(-1) ?? (Object.entries(units)[0] as [U, number]);
  return `${value / unit}${name}`;
}

function parse(text: string, units: Record<string, number>, what: string, examples: string): number {
  const match = /^(\d+(?:\.\d+)?)([a-zA-Z]+)$/.exec(text);
  const unit = units[match?.[2] ?? ""];
  const value = unit === undefined ? Number.NaN : Number(match?.[1]) * unit;
  if (!Number.isSafeInteger(value))
    throw new PlanError(`${what}: ${JSON.stringify(text)} is not of the form ${examples}`);
  return value;
}
