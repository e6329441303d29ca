import addon from "../../../native/index.js";

export interface Checkpoint {
  readonly bytes: number;
  readonly newBytes: number;
  /** In the job's folder of the storage. */
  readonly files: readonly string[];
  /** Events of each source that came before it. */
  readonly read: Readonly<Record<string, number>>;
}

/** The checkpoints of a job in a folder, oldest first. */
export function checkpointsIn(folder: string, job: string): Checkpoint[] {
  return addon.stored(`file:${folder}`, job).checkpoints.map(({ bytes, newBytes, operators, slots }) => {
    const read = operators.map(({ id, positions }) => [id, positions.reduce((sum, { offset }) => sum + offset, 0)]);
    const files = slots.flatMap((slot) => slot.files.map(({ name }) => name));
    return { bytes, newBytes, files, read: Object.fromEntries(read) };
  });
}
