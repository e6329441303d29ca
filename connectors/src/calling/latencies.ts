/** Each doubling is parted into so many buckets, as in the core: a figure is at most an eighth too great. */
const PARTS = 8;
const PARTS_BITS = 3;
/** Up to 2⁴⁰ µs, which is 12 days. */
const BUCKETS = (40 - PARTS_BITS + 1) * PARTS;

/** Figures of what took its time, in milliseconds. */
export interface LatencyFigures {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Counts durations by their size. */
export class Latencies {
  readonly #buckets = new Float64Array(BUCKETS);
  #count = 0;
  #maxUs = 0;

  get count(): number {
    return this.#count;
  }

  record(ms: number): void {
    const us = Math.max(0, Math.round(ms * 1000));
    const bucket = bucketOf(us);
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1;
    this.#count += 1;
    this.#maxUs = Math.max(this.#maxUs, us);
  }

  /** The duration that a share of all, 0 to 1, keep to; 0 where there are none. */
  quantileMs(share: number): number {
    const rank = Math.max(1, Math.ceil(this.#count * share));
    let seen = 0;
    for (const [bucket, count] of this.#buckets.entries()) {
      seen += count;
      if (seen >= rank) return Math.min(greatestOf(bucket), this.#maxUs) / 1000;
    }
    return 0;
  }

  get figures(): LatencyFigures {
    const [p50Ms, p90Ms, p99Ms] = [this.quantileMs(0.5), this.quantileMs(0.9), this.quantileMs(0.99)];
    return { count: this.#count, p50Ms, p90Ms, p99Ms, maxMs: this.#maxUs / 1000 };
  }
}

function bucketOf(us: number): number {
  if (us < PARTS) return us;
  const exponent = Math.floor(Math.log2(us));
  const part = Math.floor(us / 2 ** (exponent - PARTS_BITS)) - PARTS;
  return Math.min((exponent - PARTS_BITS + 1) * PARTS + part, BUCKETS - 1);
}

/** The greatest duration that belongs to a bucket. */
function greatestOf(bucket: number): number {
  const [doubling, part] = [Math.floor(bucket / PARTS), bucket % PARTS];
  return doubling === 0 ? part : (PARTS + part + 1) * 2 ** (doubling - 1) - 1;
}
