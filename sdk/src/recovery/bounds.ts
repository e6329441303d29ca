import { PlanError } from "../errors.js";

/** The plan has 32 bits for a count. */
const MOST = 2 ** 32 - 1;

/** A whole number that is not below `least`; `what` names it in the error. */
export function atLeast(least: number, value: number, what: string): number {
  if (!Number.isInteger(value) || value < least || value > MOST) {
    throw new PlanError(`${what}: ${JSON.stringify(value)} is not a whole number from ${least} on`);
  }
  return value;
}

/** A time or size that is not nothing; `what` names it in the error. */
export function positive(value: number, what: string): number {
  if (value === 0) throw new PlanError(`${what}: it is more than nothing`);
  return value;
}
