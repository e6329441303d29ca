import type { ErrorCode, MillraceError, RestartPolicy } from "millrace";

/**
 * What is wrong with the plan, a record or the user's code comes again at every start. A worker that another one has
 * stopped would stop that one in turn.
 */
const MAY_PASS: Readonly<Record<ErrorCode, boolean>> = {
  SOURCE: true,
  SINK: true,
  STATE: true,
  INTERNAL: true,
  TAKEN_OVER: false,
  PLAN: false,
  BAD_RECORD: false,
  EXPRESSION: false,
  FUNCTION: false,
};

/** A restart that is to come. */
export interface Attempt {
  /** Counts from 1, and from there again once the job has run for long enough. */
  readonly number: number;
  readonly of: number;
  readonly delayMs: number;
}

/** Decides whether a job that failed is started again, and when. */
export class Restarts {
  #attempts = 0;

  /** @param policy `undefined`: never */
  constructor(private readonly policy: RestartPolicy | undefined) {}

  /** The restart after a run of `ranMs`, or why the error is final. */
  after(error: MillraceError, ranMs: number): Attempt | "final" | "exhausted" {
    if (this.policy === undefined || !MAY_PASS[error.code]) return "final";
    const { attempts, delay, maxDelay, resetAfter } = this.policy;
    if (ranMs >= resetAfter) this.#attempts = 0;
    if (this.#attempts >= attempts) return "exhausted";
    this.#attempts += 1;
    const delayMs = Math.min(delay * 2 ** (this.#attempts - 1), maxDelay);
    return { number: this.#attempts, of: attempts, delayMs };
  }
}
