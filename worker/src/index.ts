export type { Clock } from "./clock.js";
export { loadJob } from "./job-file.js";
export { type KeepRunningOptions, keepRunning } from "./keep-running.js";
export type { JobMetrics } from "./native.js";
export type { Attempt } from "./restart.js";
export { Run, type RunOptions } from "./run.js";
export type { Savepoint, SavepointOptions, SavepointPhase } from "./savepoints/savepoint.js";
export type { ShownRows } from "./slot-thread.js";
export type { Start } from "./start.js";
