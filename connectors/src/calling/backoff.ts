/** Pauses between attempts, in milliseconds. */
export interface RetryPolicy {
  readonly delay: number;
  readonly maxDelay: number;
  /** From the first attempt on. */
  readonly giveUpAfter: number;
}

/**
 * How long to wait before an attempt, of which `failures` have failed: any time up to a bound that doubles (full jitter), so
 * that those who failed together do not come back together.
 */
export function backoff({ delay, maxDelay }: RetryPolicy, failures: number, random: number): number {
  return random * Math.min(delay * 2 ** (failures - 1), maxDelay);
}
