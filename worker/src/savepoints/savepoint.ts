import { setTimeout } from "node:timers/promises";
import { StateError } from "millrace";
import type { NativeJob } from "../native.js";

/** A savepoint that is written. */
export interface Savepoint {
  readonly name: string;
  /** The checkpoint that it is a copy of. */
  readonly checkpoint: number;
  readonly bytes: number;
}

/** What a savepoint waits for. */
export type SavepointPhase = "waiting" | "writing";

export interface SavepointOptions {
  /** It is of the last barrier, and the job ends in order. */
  readonly stop?: boolean;
  readonly onPhase?: (phase: SavepointPhase) => void;
}

/** Whoever waits is a person, or a file that is written. */
const LOOK_MS = 20;

/** Waits until the savepoint of that number is written. `hasEnded` tells that no more can come of it. */
export async function untilWritten(
  job: Pick<NativeJob, "savepointProgress">,
  { number, name }: { readonly number: number; readonly name: string },
  hasEnded: () => boolean,
  onPhase?: (phase: SavepointPhase) => void,
): Promise<Savepoint> {
  let told: string | undefined;
  while (true) {
    // What has ended before the look cannot come between it and the next.
    const ended = hasEnded();
    const { state, error, checkpoint = 0, bytes = 0 } = job.savepointProgress(number) ?? { state: "failed" };
    if (state === "written") return { name, checkpoint, bytes };
    if (state === "failed" || ended) {
      throw new StateError(error ?? `savepoint "${name}": the job has ended before it was written`);
    }
    if (state !== told) onPhase?.(state);
    told = state;
    await setTimeout(LOOK_MS);
  }
}
