import { backoff, type RetryPolicy } from "./backoff.js";
import type { Clock } from "./clock.js";
import { Latencies, type LatencyFigures } from "./latencies.js";

const POLICY: RetryPolicy = { delay: 100, maxDelay: 10_000, giveUpAfter: 5 * 60_000 };

/** Figures of calls since the start. */
export interface CallFigures {
  readonly retries: number;
  readonly errors: number;
  /** What the last failed one says. */
  readonly lastError?: string;
  /** Of those that were answered. */
  readonly latency: LatencyFigures;
}

/** Calls the other side again after failures that may pass, with pauses that grow, for five minutes. */
export class Attempts {
  #retries = 0;
  #errors = 0;
  #lastError: string | undefined;
  readonly #latencies = new Latencies();
  #wakes = new Set<() => void>();
  #isClosed = false;

  constructor(
    private readonly clock: Clock,
    private readonly mayPass: (error: unknown) => boolean,
  ) {}

  get figures(): CallFigures {
    const last = this.#lastError === undefined ? {} : { lastError: this.#lastError };
    return { retries: this.#retries, errors: this.#errors, ...last, latency: this.#latencies.figures };
  }

  async call<T>(attempt: () => Promise<T>): Promise<T> {
    const begunMs = this.clock.nowMs();
    for (let failures = 1; ; failures++) {
      try {
        const sentMs = this.clock.nowMs();
        const answer = await attempt();
        this.#latencies.record(this.clock.nowMs() - sentMs);
        return answer;
      } catch (error) {
        this.#errors += 1;
        this.#lastError = error instanceof Error ? error.message : String(error);
        const pause = backoff(POLICY, failures, this.clock.random());
        const isLate = this.clock.nowMs() + pause - begunMs > POLICY.giveUpAfter;
        if (this.#isClosed || isLate || !this.mayPass(error)) throw error;
        this.#retries += 1;
        await this.#wait(pause);
      }
    }
  }

  /** What waits fails with what it has met. */
  close(): void {
    this.#isClosed = true;
    for (const wake of this.#wakes) wake();
  }

  async #wait(ms: number): Promise<void> {
    if (this.#isClosed) return;
    await new Promise<void>((resolve) => {
      const cancel = this.clock.after(ms, done);
      const wakes = this.#wakes;
      wakes.add(done);
      function done(): void {
        cancel();
        wakes.delete(done);
        resolve();
      }
    });
  }
}
