import type { Figures } from "./chaos.js";

/** All figures of a run, in a line. */
export function summary(seed: number, figures: Figures): string {
  const { kills, restarts, retries, troubles, events, windows, seconds, lost, doubled } = figures;
  const made = Object.entries(troubles).map(([name, times]) => `${times} × ${name}`);
  const done = [`seed ${seed}`, `${kills} kills`, `${restarts} ends by an error`, `${retries} retries`, ...made];
  return [...done, `${events} events`, `${windows} windows`, `${seconds} s`, `${lost} lost`, `${doubled} doubled`].join(
    ", ",
  );
}
