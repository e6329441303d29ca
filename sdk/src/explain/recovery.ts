import { durationOf, sizeOf } from "../duration.js";
import type { PlanNode } from "../plan/node.js";
import type { Job } from "../stream/job.js";

/** What a job promises and what its promise rests on; the first part belongs to the line of the job itself. */
export function recoveryLines(job: Job): readonly [head: string, ...below: string[]] {
  const { guarantee, checkpoints } = job.recovery;
  if (checkpoints === undefined) {
    const commits = `${guarantee} · commits every ${job.options.commitInterval ?? "1s"}`;
    const keeps = (kind: PlanNode["step"]["kind"]) => job.steps.some(({ step }) => step.kind === kind);
    const fates = [
      ...(keeps("window") ? ["windows are rebuilt from the sources"] : []),
      ...(keeps("deduplicate") ? ["a restart forgets which keys were seen"] : []),
      ...(keeps("join") ? ["what is broadcast is read again from its beginning"] : []),
    ];
    return fates.length > 0 ? [commits, `no checkpoints · state in memory: ${fates.join(", ")}`] : [commits];
  }
  const { interval, storage, state } = checkpoints;
  const place = state.backend === "rocksdb" ? "in RocksDB" : "in memory (fs)";
  const budget = state.memoryBudget === 0 ? "" : `, at most ${sizeOf(state.memoryBudget)} of it in memory`;
  return [guarantee, `checkpoints every ${durationOf(interval)} to ${storage} · state ${place}${budget}`];
}
