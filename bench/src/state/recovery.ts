import { execFileSync } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "../../../test/harness/eventually.js";
import type { Child } from "../../../test/harness/process.js";
import { bars, grid, median, type Report } from "../report.js";
import { inFolder } from "../run-job.js";
import { Endless, kill } from "./endless.js";
import type { Checkpoint } from "./stored.js";

export interface RecoveryOptions {
  /** What a checkpoint takes in the storage. */
  readonly stateBytes: number;
  readonly parallelism: number;
  readonly runs: number;
}

/** What a key takes in the storage, compressed. */
const STORED_BYTES_A_KEY = 18;

const BUDGET = "400MB";

/** Events a second that go on coming. */
const RATE = 1000;
const WITHIN_MS = 600_000;

/**
 * Kills a job that has a large state, and starts it again: with its local folder, and without, from the storage alone. The
 * time is that from the start of the process to the first event that it has processed. What lies on the disk was written
 * just now, so most of it is read from the system's cache.
 */
export async function recovery(options: RecoveryOptions, say: (text: string) => void): Promise<Report> {
  return inFolder(async (folder) => {
    const keys = Math.round(options.stateBytes / STORED_BYTES_A_KEY);
    const env = { SHOW: "changes", INTERVAL: "5s", BACKEND: "rocksdb", BUDGET };
    const job = new Endless({ folder, keys, rate: RATE, parallelism: options.parallelism, env });
    say(`a state of ${keys.toLocaleString("en-US")} keys`);
    const [{ bytes }] = (await job.runUntilFull(1)) as [Checkpoint];
    const seconds = { local: [] as number[], storage: [] as number[], copy: [] as number[] };
    for (let run = 0; run < options.runs; run++) {
      say(`run ${run + 1} of ${options.runs}`);
      seconds.local.push(await untilFirstEvent(job.start()));
      await rm(join(folder, "state"), { recursive: true });
      seconds.storage.push(await untilFirstEvent(job.start()));
      seconds.copy.push(await copySeconds(folder, job.checkpoints().at(-1)?.files ?? []));
    }
    await job.finish();
    const rows = [
      { name: "from the local folder", of: seconds.local },
      { name: "from the storage", of: seconds.storage },
      { name: "plain copy of the files", of: seconds.copy },
    ];
    const row = ({ name, of }: (typeof rows)[number]) => {
      const rate = bytes / median(of) / 1024 ** 2;
      return [
        name,
        `${median(of).toFixed(2)} s`,
        `${Math.min(...of).toFixed(2)}–${Math.max(...of).toFixed(2)}`,
        `${Math.round(rate)} MB/s`,
      ];
    };
    const title = `Recovery of ${Math.round(bytes / 1024 ** 2)} MB`;
    return {
      figures: { ...options, keys, bytes, seconds },
      table: grid([title, "median", "from–to", "rate"], rows.map(row)),
      plot: bars(
        `${title}: milliseconds`,
        rows.map(({ name, of }) => ({ name, value: median(of) * 1000 })),
      ),
    };
  });
}

/** Seconds from the start of the job's process to its first row; then it is killed. */
async function untilFirstEvent(job: Child): Promise<number> {
  const start = performance.now();
  const shown = () => job.stdout !== "" || !job.running || undefined;
  await eventually(shown, { what: "the first event", withinMs: WITHIN_MS, detail: () => job.log });
  const seconds = (performance.now() - start) / 1000;
  if (!job.running) throw new Error(`the job has ended\n${job.log}`);
  await kill(job);
  return seconds;
}

async function copySeconds(folder: string, files: readonly string[]): Promise<number> {
  const to = join(folder, "copy");
  await mkdir(to);
  const paths = files.map((file) => join(folder, "checkpoints/keyed-sums", file));
  const start = performance.now();
  execFileSync("cp", [...paths, to]);
  const seconds = (performance.now() - start) / 1000;
  await rm(to, { recursive: true });
  return seconds;
}
