import { setTimeout } from "node:timers/promises";

/** Time as what waits for it sees it; tests have their own. */
export interface Clock {
  nowMs(): number;
  /** Ends early, without an error, when `until` is aborted. */
  wait(ms: number, until: AbortSignal): Promise<void>;
}

/** Node's timers fire at once when asked for more. */
const LONGEST_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wait: (ms, signal) => setTimeout(Math.min(ms, LONGEST_MS), undefined, { signal }).catch(() => undefined),
};
