export { loadJob } from "./job-file.js";
export type { JobMetrics } from "./native.js";
export { Run, type RunOptions } from "./run.js";
export type { ShownRows } from "./slot-thread.js";
