import type { BreakerPolicy } from "./settings.js";

/**
 * Keeps requests away from an endpoint that fails again and again. Open, it lets none through; after a pause it lets one
 * probe it, and closes when that succeeds.
 */
export class Breaker {
  #failures = 0;
  /** `undefined` while it is closed. */
  #openUntilMs: number | undefined;
  #isProbing = false;

  constructor(private readonly policy: BreakerPolicy) {}

  get state(): "closed" | "open" | "half-open" {
    if (this.#openUntilMs === undefined) return "closed";
    return this.#isProbing ? "half-open" : "open";
  }

  /** When the next request may go; `undefined`: when the one that is on its way has come back. */
  nextMs(): number | undefined {
    return this.#isProbing ? undefined : (this.#openUntilMs ?? 0);
  }

  /** A request goes. */
  sent(): void {
    this.#isProbing = this.#openUntilMs !== undefined;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openUntilMs = undefined;
    this.#isProbing = false;
  }

  failed(nowMs: number): void {
    const { failures, pause } = this.policy;
    this.#failures += 1;
    this.#isProbing = false;
    if (failures > 0 && this.#failures >= failures) this.#openUntilMs = nowMs + pause;
  }
}
