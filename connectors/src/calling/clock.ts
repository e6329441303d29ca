/** Time and chance; tests have their own. */
export interface Clock {
  nowMs(): number;
  /** Milliseconds since the epoch. */
  wallMs(): number;
  /** At least 0 and less than 1. */
  random(): number;
  /** Calls `then` after so long, unless what it gives is called before. */
  after(ms: number, then: () => void): () => void;
}

/** Node's timers fire at once when asked for more. */
const LONGEST_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  random: () => Math.random(),
  after(ms, then) {
    const timer = setTimeout(then, Math.min(Math.ceil(ms), LONGEST_MS));
    return () => clearTimeout(timer);
  },
};
