import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ROOT } from "./paths.js";
import { Child } from "./process.js";

const JOBS = join(ROOT, "test/e2e/jobs");
const CLI = join(ROOT, "sdk/bin/millrace.js");
const CLOCK_TICKS_PER_SECOND = 100;

export interface JobOptions {
  /** What the job file reads: topics, parallelism. */
  env?: Record<string, string | undefined>;
  /** Further arguments of the command. */
  args?: string[];
  cwd?: string;
}

/** A job of test/e2e/jobs, or by its whole path, as a user runs it: the command line in a process of its own. */
export class Job extends Child {
  /** Of commands that take no job file, `file` is not given. */
  constructor(command: readonly string[], file?: string, { env = {}, args = [], cwd = ROOT }: JobOptions = {}) {
    // The Node version under test may be another one than that of the tests.
    const node = process.env.MILLRACE_TEST_NODE ?? process.execPath;
    super({
      command: node,
      args: [CLI, ...command, ...(file === undefined ? [] : [resolve(JOBS, file)]), ...args],
      env: { NODE_OPTIONS: "", ...env },
      cwd,
    });
  }

  static run(file: string, options?: JobOptions): Job {
    return new Job(["run"], file, options);
  }

  static explain(file: string, options?: JobOptions): Job {
    return new Job(["explain"], file, options);
  }

  /** `millrace savepoint` and one of its commands. */
  static savepoint(command: "create" | "list" | "inspect" | "restore", file: string, options?: JobOptions): Job {
    return new Job(["savepoint", command], file, options);
  }

  /** `millrace dlq` and one of its commands. */
  static dlq(command: "list" | "show" | "replay", file: string, options?: JobOptions): Job {
    return new Job(["dlq", command], file, options);
  }

  /** Resident memory now. */
  get rssBytes(): number {
    return this.#statusBytes("VmRSS");
  }

  /** The most resident memory so far. */
  get peakRssBytes(): number {
    return this.#statusBytes("VmHWM");
  }

  /** CPU time spent so far, all threads. */
  get cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, "utf8");
    // The name, in parentheses, may hold blanks: fields are counted from its end.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
  }

  #statusBytes(field: string): number {
    const found = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${this.pid}/status`, "utf8"));
    if (!found) throw new Error(`process ${this.pid} has no ${field}`);
    return Number(found[1]) * 1024;
  }
}
