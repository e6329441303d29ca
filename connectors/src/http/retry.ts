import type { RetryPolicy } from "./settings.js";

/** The longest that a Retry-After is believed. */
const LONGEST_RETRY_AFTER_MS = 10 * 60_000;

/**
 * How long to wait before an attempt, of which `failures` have failed: any time up to a bound that doubles (full jitter), so
 * that those who failed together do not come back together.
 */
export function backoff({ delay, maxDelay }: RetryPolicy, failures: number, random: number): number {
  return random * Math.min(delay * 2 ** (failures - 1), maxDelay);
}

/** What a Retry-After header asks for, in milliseconds: it holds seconds or a date. */
export function retryAfter(header: string | undefined, wallMs: number): number | undefined {
  if (header === undefined || header.trim() === "") return undefined;
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - wallMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}

/** Whether the same request may succeed at another time. */
export function mayPass(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}
