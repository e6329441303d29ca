import { type Duration, milliseconds } from "../duration.js";
import { PlanError } from "../errors.js";
import { atLeast, positive } from "./bounds.js";

/**
 * Whether a job that fails for a reason that may pass is started again: never, or so often and with such pauses.
 *
 * ```ts
 * import { generator, job, type Restart, table } from "millrace";
 * const restart: Restart = process.env.KUBERNETES_SERVICE_HOST === undefined ? { attempts: 3 } : "never";
 * export default job("bids", (j) => j.source(generator.bids()).to(table()), { restart });
 * ```
 */
export type Restart = "never" | RestartOptions;

/**
 * How often a job is started again, and after what pauses: each is twice the one before it.
 *
 * ```ts
 * import { generator, job, type RestartOptions, table } from "millrace";
 * const restart: RestartOptions = { attempts: Infinity, delay: "500ms", maxDelay: "30s", resetAfter: "5m" };
 * export default job("bids", (j) => j.source(generator.bids()).to(table()), { restart });
 * ```
 */
export interface RestartOptions {
  /** Restarts in a row, after which the error is final: 10 by default; `Infinity` for no end. */
  readonly attempts?: number;
  /** Before the first restart: "1s" by default. */
  readonly delay?: Duration;
  /** The longest pause: "1m" by default. */
  readonly maxDelay?: Duration;
  /** A job that has run for so long is well again, and counts from the first attempt: "10m" by default. */
  readonly resetAfter?: Duration;
}

/**
 * When a job is started again, in milliseconds.
 *
 * ```ts
 * import { generator, job, type RestartPolicy, table } from "millrace";
 * const bids = job("bids", (j) => j.source(generator.bids()).to(table()), { restart: { delay: "2s" } });
 * const firstPause = ({ delay }: RestartPolicy) => delay;
 * console.log(bids.recovery.restart && firstPause(bids.recovery.restart));
 * ```
 */
export interface RestartPolicy {
  readonly attempts: number;
  readonly delay: number;
  readonly maxDelay: number;
  readonly resetAfter: number;
}

/** Checks the options and fills in what they leave out. */
export function restartPolicy(restart: Restart): RestartPolicy | undefined {
  if (restart === "never") return undefined;
  if (typeof restart !== "object" || restart === null) {
    throw new PlanError(`restart: ${JSON.stringify(restart)} is neither "never" nor { attempts, delay, ... }`);
  }
  const { attempts = 10, delay = "1s", maxDelay, resetAfter = "10m" } = restart;
  const first = positive(milliseconds(delay, "restart.delay"), "restart.delay");
  const longest = maxDelay === undefined ? Math.max(first, MINUTE) : milliseconds(maxDelay, "restart.maxDelay");
  if (longest < first) throw new PlanError(`restart.maxDelay: ${maxDelay} is shorter than the first delay, ${delay}`);
  return {
    attempts: attempts === Number.POSITIVE_INFINITY ? attempts : atLeast(1, attempts, "restart.attempts"),
    delay: first,
    maxDelay: longest,
    resetAfter: positive(milliseconds(resetAfter, "restart.resetAfter"), "restart.resetAfter"),
  };
}

const MINUTE = 60_000;
