/** Spaces requests out: so many a second, and none of them saved up for longer than a second. */
export class Rate {
  #nextMs = Number.NEGATIVE_INFINITY;
  readonly #intervalMs: number;

  /** @param perSecond 0: no limit */
  constructor(perSecond: number) {
    this.#intervalMs = perSecond === 0 ? 0 : 1000 / perSecond;
  }

  /** When the next request may go. */
  nextMs(): number {
    return this.#nextMs;
  }

  sent(nowMs: number): void {
    if (this.#intervalMs > 0) this.#nextMs = Math.max(this.#nextMs, nowMs - 1000) + this.#intervalMs;
  }
}
