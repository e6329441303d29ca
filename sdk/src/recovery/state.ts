import { bytes, type Size } from "../duration.js";
import { PlanError } from "../errors.js";
import { positive } from "./bounds.js";

/**
 * Where state is while the job runs. "rocksdb": on the local disk, checkpoints hold what is new. "fs": in memory,
 * checkpoints hold all of it. "memory": in memory, without checkpoints; a restart rebuilds it from the sources.
 *
 * ```ts
 * import { type CheckpointOptions, generator, job, type StateBackend, table } from "millrace";
 * const backend: StateBackend = "fs";
 * const checkpoints: CheckpointOptions = { storage: "file:.millrace/checkpoints" };
 * export default job("bids", (j) => j.source(generator.bids()).to(table()), { checkpoints, state: { backend } });
 * ```
 */
export type StateBackend = "rocksdb" | "fs" | "memory";

/**
 * Where the job's state is while it runs.
 *
 * ```ts
 * import { generator, job, type StateOptions, table } from "millrace";
 * const state: StateOptions = { memoryBudget: "400MB", directory: "/var/lib/millrace/bids" };
 * export default job("bids", (j) => j.source(generator.bids()).to(table()), {
 *   checkpoints: { storage: "s3://state/millrace" },
 *   state,
 * });
 * ```
 */
export interface StateOptions {
  /** "rocksdb" with checkpoints and "memory" without, by default. */
  readonly backend?: StateBackend;
  /** State over this leaves the memory ("rocksdb"); without it, all of it stays in memory as well. */
  readonly memoryBudget?: Size;
  /** A local folder of the job's own, on a disk: ".millrace/state/JOB" in the working directory by default. */
  readonly directory?: string;
}

export interface StateConfig {
  readonly backend: "rocksdb" | "fs";
  /** Bytes; 0 for none. */
  readonly memoryBudget: number;
  readonly directory: string;
}

/** Checks the options of a job with checkpoints and fills in what they leave out. */
export function stateConfig(options: StateOptions, job: string): StateConfig {
  const { backend = "rocksdb", memoryBudget, directory = `${DIRECTORY}/${folderName(job)}` } = options;
  if (backend === "memory") {
    throw new PlanError(
      'state.backend: "memory" has no checkpoints; take "fs" for state in memory that is written to them, or leave ' +
        "checkpoints out",
    );
  }
  isKnown(backend);
  if (memoryBudget !== undefined && backend !== "rocksdb") {
    throw new PlanError(`state.memoryBudget: state leaves the memory with "rocksdb" only, not with "${backend}"`);
  }
  if (typeof directory !== "string" || directory === "") throw new PlanError("state.directory: it names no folder");
  const budget = memoryBudget === undefined ? 0 : positive(bytes(memoryBudget, BUDGET), BUDGET);
  return { backend, memoryBudget: budget, directory };
}

/** Checks the options of a job without checkpoints: there is nothing to choose. */
export function checkWithoutCheckpoints({ backend = "memory", memoryBudget, directory }: StateOptions): void {
  const advice = 'give the job a storage, such as checkpoints: { storage: "file:.millrace/checkpoints" }';
  if (backend !== "memory") {
    isKnown(backend);
    throw new PlanError(`state.backend: "${backend}" needs checkpoints; ${advice}, or leave the backend out`);
  }
  if (memoryBudget !== undefined) {
    throw new PlanError(`${BUDGET}: without checkpoints all state is in memory; ${advice}, or leave the budget out`);
  }
  if (directory !== undefined) {
    throw new PlanError(`state.directory: without checkpoints nothing is kept there; ${advice}, or leave it out`);
  }
}

const BUDGET = "state.memoryBudget";

/** Not the system's temporary folder: that is often a part of the memory, and cleaned while jobs run. */
const DIRECTORY = ".millrace/state";

function isKnown(backend: string): void {
  if (backend !== "rocksdb" && backend !== "fs") {
    throw new PlanError(`state.backend: ${JSON.stringify(backend)} is none; there are "rocksdb", "fs" and "memory"`);
  }
}

/** A job's name as that of a folder, as the core writes it in the storage. */
function folderName(job: string): string {
  return [...job].map((c) => (/[A-Za-z0-9_-]/.test(c) ? c : `~${c.codePointAt(0)?.toString(16)}`)).join("");
}
