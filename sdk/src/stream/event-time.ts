import { type Duration, milliseconds } from "../duration.js";
import { PlanError } from "../errors.js";
import type { Value } from "../expr/value.js";
import type { EventTimeConfig } from "../plan/node.js";
import { typeName } from "../schema/type.js";
import { expression } from "./step.js";

/**
 * How event time goes on in a stream.
 *
 * ```ts
 * import { type EventTimeOptions, generator, type JobBuilder } from "millrace";
 * const options: EventTimeOptions = { outOfOrderness: "1s", idleTimeout: "5s", whenIdle: "advance" };
 * const bids = (j: JobBuilder) => j.source(generator.bids()).eventTime((bid) => bid.dateTime, options);
 * ```
 */
export interface EventTimeOptions {
  /** How much later than a later event an event may come and still be on time; "0s" by default. */
  readonly outOfOrderness?: Duration;
  /** A partition that is silent for so long holds nobody back. Without it, a silent partition holds all windows. */
  readonly idleTimeout?: Duration;
  /** While all partitions are idle: wait for the next event (the default), or go on with the clock. */
  readonly whenIdle?: "wait" | "advance";
  /** A partition that is ahead of the slowest by more waits for it. */
  readonly maxDrift?: Duration;
}

/** The time that an expression gives. */
export function timeOf(result: unknown): Value {
  const value = expression(result, "the time");
  if (value.type.kind !== "timestamp" && value.type.kind !== "int64") {
    throw new PlanError(`the time is a timestamp, or an int64 in milliseconds, not ${typeName(value.type)}`);
  }
  if (value.nullable) throw new PlanError("the time may be null: give the rows without one a time by .coalesce(...)");
  return value;
}

/** Checks the options and fills in what they leave out. */
export function eventTimeConfig(value: Value | undefined, options: EventTimeOptions): EventTimeConfig {
  const of = (duration: Duration | undefined, what: string) =>
    duration === undefined ? 0 : milliseconds(duration, what);
  const idleTimeout = of(options.idleTimeout, "idleTimeout");
  if (options.whenIdle === "advance" && idleTimeout === 0) {
    throw new PlanError('whenIdle: "advance" needs an idleTimeout: it says when a partition is idle');
  }
  return {
    value,
    outOfOrderness: of(options.outOfOrderness, "outOfOrderness"),
    idleTimeout,
    idleAdvance: options.whenIdle === "advance",
    maxDrift: of(options.maxDrift, "maxDrift"),
  };
}
