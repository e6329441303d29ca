import type { Field } from "millrace";
import { Unfit } from "./values.js";

/** Microseconds since 1970 that grow with each call, and are those of the clock where it is ahead. */
export class GrowingTimestamps {
  #last = 0;

  constructor(private readonly nowMs: () => number) {}

  next(): bigint {
    this.#last = Math.max(this.#last + 1, this.nowMs() * 1000);
    return BigInt(this.#last);
  }
}

/**
 * The microseconds that a column's values mean.
 *
 * @throws Error when they mean none
 */
export function microseconds({ name, type }: Field): (value: unknown) => bigint {
  const none = () => {
    throw new Unfit(`column "${name}" is null, and the row's timestamp`);
  };
  const of = (convert: (value: never) => bigint) => (value: unknown) =>
    value === null || value === undefined ? none() : convert(value as never);
  if (type.kind === "int64") return of((value: bigint) => value);
  if (type.kind === "timestamp") {
    const { unit } = type;
    if (unit === "s") return of((value: number) => BigInt(value) * 1_000_000n);
    if (unit === "ms") return of((value: number) => BigInt(value) * 1000n);
    return unit === "us" ? of((value: bigint) => value) : of((value: bigint) => value / 1000n);
  }
  throw new Error(`timestamp: column "${name}" is ${type.kind}: give a timestamp, or microseconds as int64`);
}
