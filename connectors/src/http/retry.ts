/** The longest that a Retry-After is believed. */
const LONGEST_RETRY_AFTER_MS = 10 * 60_000;

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
