import type { Look } from "./rates.js";

/** The line that shows how a job is doing, in at most `width` characters. */
export function statusLine(job: string, look: Look, width: number): string {
  const lag =
    look.watermarkLagMs === undefined ? "no watermark yet" : `watermark ${duration(look.watermarkLagMs)} behind`;
  const parts = [
    job,
    `${number(look.eventsPerSecond)} events/s`,
    `${number(look.events)} in`,
    `${number(look.rowsOut)} out`,
    lag,
    `backpressure ${Math.round(look.backpressured * 100)} %`,
    `${number(look.late)} late`,
    `${number(look.bad)} bad`,
    `${number(look.commits)} commits`,
  ];
  return parts.join(" · ").slice(0, width);
}

/** 1234567 as "1,234,567". */
export function number(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Milliseconds as "820 ms", "4.2 s", "3 min", "5 h" or "2 d"; event time ahead of the clock counts as none. */
export function duration(milliseconds: number): string {
  const value = Math.max(0, milliseconds);
  if (value < 1000) return `${Math.round(value)} ms`;
  if (value < 60_000) return `${(value / 1000).toFixed(1)} s`;
  if (value < 3_600_000) return `${Math.round(value / 60_000)} min`;
  return value < 86_400_000 ? `${Math.round(value / 3_600_000)} h` : `${Math.round(value / 86_400_000)} d`;
}
