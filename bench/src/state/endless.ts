// The job keyed-sums.ts with keys that go on changing: it runs until its checkpoints are what is wanted, and is killed.
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Child } from "../../../test/harness/process.js";
import { measured } from "../measure.js";
import { runJob } from "../run-job.js";
import { check } from "./model.js";
import { type Checkpoint, checkpointsIn } from "./stored.js";

const FOREVER = 1e9;
const LOOK_MS = 250;

export interface EndlessOptions {
  readonly folder: string;
  readonly keys: number;
  /** Changes a second. */
  readonly rate: number;
  readonly parallelism: number;
  /** What the job file reads besides. */
  readonly env: Readonly<Record<string, string>>;
}

export class Endless {
  constructor(private readonly options: EndlessOptions) {}

  start(): Child {
    return new Child(this.#command(FOREVER));
  }

  checkpoints(): Checkpoint[] {
    return checkpointsIn(join(this.options.folder, "checkpoints"), "keyed-sums");
  }

  /** The checkpoints that have all keys. */
  full(): Checkpoint[] {
    return this.checkpoints().filter(({ read }) => read.fill === this.options.keys);
  }

  /** Starts the job, and kills it when so many checkpoints have all keys. */
  async runUntilFull(checkpoints: number): Promise<Checkpoint[]> {
    const job = this.start();
    let full: Checkpoint[] = [];
    while (full.length < checkpoints) {
      if (!job.running) throw new Error(`the job has ended\n${job.log}`);
      await pause(LOOK_MS);
      full = this.full();
    }
    await kill(job);
    return full;
  }

  /** Goes on from the last checkpoint to an end, and checks all results. */
  async finish(): Promise<void> {
    const { folder, keys, rate } = this.options;
    const changes = (this.checkpoints().at(-1)?.read.changes ?? 0) + rate;
    await measured(this.#command(changes));
    await check(join(folder, "results"), keys, [keys, changes]);
  }

  #command(changes: number) {
    const { folder, keys, rate, parallelism, env } = this.options;
    const all = {
      KEYS: String(keys),
      FILL: String(keys),
      CHANGES: String(changes),
      RATE: String(rate),
      FOLDER: folder,
    };
    return runJob("keyed-sums.ts", parallelism, { ...all, ...env });
  }
}

export async function kill(job: Child): Promise<void> {
  job.signal("SIGKILL");
  await job.exit;
}
