import type { Command } from "../../../test/harness/process.js";
import type { Peer, Task } from "../../peers/peer.js";
import { runJob } from "../run-job.js";

/** What takes part in a comparison. */
export type Contender = Pick<Peer, "name"> & { command(task: Task): Command | undefined };

/** What runs a task. @throws Error when the contender cannot say its query */
export function commandOf(contender: Contender, task: Task): Command {
  const command = contender.command(task);
  if (command === undefined) throw new Error(`${contender.name} cannot say this query`);
  return command;
}

/** What a record's way through a job is worth: as Millrace takes the words. */
export type Guarantee = "at-least-once" | "exactly-once";

/** A job of bench/jobs, and what it is given beside topics and folders. */
export interface BenchJob {
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Exactly once it is with RocksDB, and checkpoints every 2 s unless the job's INTERVAL says otherwise. */
export function millrace(job: BenchJob, guarantee: Guarantee, name: string): Contender {
  return {
    name,
    command: ({ brokers, input, output, folder, parallelism }) =>
      runJob(job.file, parallelism, {
        BROKERS: brokers,
        INPUT: input,
        OUTPUT: output,
        JOB: output,
        CHECKPOINTS: guarantee === "exactly-once" ? folder : "",
        ...job.env,
      }),
  };
}

/** Millrace as it is asked for, and exactly once in any case. */
export function millraces(job: BenchJob, guarantee: Guarantee): Contender[] {
  const exactlyOnce = millrace(job, "exactly-once", "Millrace, exactly once");
  return guarantee === "exactly-once" ? [exactlyOnce] : [millrace(job, guarantee, "Millrace"), exactlyOnce];
}
