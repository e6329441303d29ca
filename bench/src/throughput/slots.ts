import { median } from "../report.js";

/** What one slot has done of a job's work: shares, each of all slots together. */
export interface SlotShare {
  readonly rows: number;
  /** Of the slots' threads alone, not of those that fetch. */
  readonly cpu: number;
}

/** The largest shares of a slot, by the last line of a job's log; nothing where the log is not that of a job. */
export function busiestSlot(log: string): SlotShare | undefined {
  const last = log.trimEnd().split("\n").at(-1) ?? "";
  if (!last.startsWith("{")) return undefined;
  const { slots } = JSON.parse(last) as { slots?: readonly { readonly rows: number; readonly cpuMs?: number }[] };
  if (slots === undefined) return undefined;
  return { rows: largestShare(slots.map(({ rows }) => rows)), cpu: largestShare(slots.map(({ cpuMs = 0 }) => cpuMs)) };
}

function largestShare(parts: readonly number[]): number {
  return Math.max(...parts) / parts.reduce((sum, part) => sum + part, 0);
}

/** How evenly slots have worked, run by run. */
export function slotLine(shares: readonly SlotShare[]): string {
  const percent = (of: (share: SlotShare) => number) => `${(median(shares.map(of)) * 100).toFixed(0)} %`;
  return `The busiest slot of Millrace had ${percent(({ rows }) => rows)} of the rows and ${percent(({ cpu }) => cpu)} of the slots' CPU time.`;
}
