import { type Job, PlanError, type Recovery } from "millrace";

/** Where a job's checkpoints and savepoints are. */
export function storageOf({ name, recovery }: Job): NonNullable<Recovery["checkpoints"]> {
  if (recovery.checkpoints === undefined) {
    throw new PlanError(`job "${name}" has no storage for savepoints; give it checkpoints`);
  }
  return recovery.checkpoints;
}
