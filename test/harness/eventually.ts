import { setTimeout as delay } from "node:timers/promises";

export interface Deadline {
  /** What is waited for, as the error names it. */
  what: string;
  /** Milliseconds until the wait fails; 30 s when not given. */
  withinMs?: number;
  /** Added to the error, such as a server's log. */
  detail?: () => string;
}

/** Asks `probe` again and again until it gives something other than `undefined` or `false`; fails at the deadline. */
export async function eventually<T>(
  probe: () => Promise<T> | T,
  deadline: Deadline,
): Promise<Exclude<T, undefined | false>> {
  const withinMs = deadline.withinMs ?? 30_000;
  const end = performance.now() + withinMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>;
    if (performance.now() > end) {
      const detail = deadline.detail?.();
      throw new Error(`${deadline.what}: not within ${withinMs} ms${detail ? `\n${detail}` : ""}`);
    }
    await delay(20);
  }
}
