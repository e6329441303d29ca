import type { MillraceError, RestartPolicy } from "millrace";
import { type Clock, systemClock } from "./clock.js";
import { asMillraceError } from "./errors.js";
import { type Attempt, Restarts } from "./restart.js";
import type { Run } from "./run.js";
import type { Start } from "./start.js";

export interface KeepRunningOptions {
  /** Starts the job; what it throws ends the run before it began. */
  readonly begin: (start: Start) => Pick<Run, "ended" | "metrics" | "stop">;
  /** What the first run begins with. */
  readonly start: Start;
  readonly policy: RestartPolicy | undefined;
  /** Ends the job in order. */
  readonly stop: AbortSignal;
  readonly onRestart?: (attempt: Attempt, error: MillraceError) => void;
  /** The restarts are used up. */
  readonly onExhausted?: (attempts: number) => void;
  readonly clock?: Clock;
}

/**
 * Runs a job to its end, again and again as its policy says; gives the error that is final. Between two runs a stop
 * gives the error of the first: nothing runs that could be drained.
 *
 * ```ts
 * import { keepRunning, loadJob, Run } from "@millrace/worker";
 * const job = await loadJob("revenue.ts");
 * const stopping = new AbortController();
 * process.once("SIGTERM", () => stopping.abort());
 * const error = await keepRunning({
 *   begin: (start) => new Run(job, "revenue.ts", { start }),
 *   start: "latest",
 *   policy: job.recovery.restart,
 *   stop: stopping.signal,
 * });
 * if (error !== undefined) throw error;
 * ```
 */
export async function keepRunning(options: KeepRunningOptions): Promise<MillraceError | undefined> {
  const { begin, policy, stop, onRestart, onExhausted, clock = systemClock } = options;
  const restarts = new Restarts(policy);
  let { start } = options;
  while (true) {
    const startedMs = clock.nowMs();
    const { error, hasCommitted } = await runOnce(begin, start, stop);
    if (error === undefined || stop.aborted) return error;
    const next = restarts.after(error, clock.nowMs() - startedMs);
    if (next === "exhausted") onExhausted?.(policy?.attempts ?? 0);
    if (typeof next === "string") return error;
    // Until the job has something of its own to go on from, "latest" is what the first start was told to leave alone.
    if (hasCommitted) start = "latest";
    onRestart?.(next, error);
    await clock.wait(next.delayMs, stop);
    if (stop.aborted) return error;
  }
}

interface Outcome {
  readonly error: MillraceError | undefined;
  readonly hasCommitted: boolean;
}

async function runOnce(begin: KeepRunningOptions["begin"], start: Start, stop: AbortSignal): Promise<Outcome> {
  try {
    const run = begin(start);
    const onStop = () => run.stop();
    stop.addEventListener("abort", onStop, { once: true });
    if (stop.aborted) onStop();
    const error = await run.ended;
    stop.removeEventListener("abort", onStop);
    const { checkpoints, commits } = run.metrics();
    return { error, hasCommitted: (checkpoints?.completed ?? commits) > 0 };
  } catch (error) {
    return { error: asMillraceError(error), hasCommitted: false };
  }
}
