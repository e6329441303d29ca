import { bars, grid, median, megabytes, type Report, whole } from "../report.js";
import { inFolder } from "../run-job.js";
import { Endless } from "./endless.js";
import type { Checkpoint } from "./stored.js";

export interface IncrementalOptions {
  readonly keys: number;
  /** Of the keys, from one checkpoint to the next. */
  readonly changedShare: number;
  readonly intervalMs: number;
  /** That are written while keys change. */
  readonly checkpoints: number;
  readonly parallelism: number;
}

interface Written {
  readonly name: string;
  /** The whole state, when all keys were there. */
  readonly wholeBytes: number;
  /** What each checkpoint since then has added to the storage, and of how many keys. */
  readonly newBytes: readonly number[];
  readonly changedKeys: readonly number[];
}

/**
 * What checkpoints write when few of many keys change between them: with "rocksdb" beside what "fs" writes. The first
 * checkpoints, while all keys come for the first time, do not count.
 */
export async function incremental(options: IncrementalOptions, say: (text: string) => void): Promise<Report> {
  const all: Written[] = [];
  for (const [name, backend, share] of [
    ["rocksdb", "rocksdb", 1],
    ["fs", "fs", 0.25],
  ] as const) {
    say(`${options.keys.toLocaleString("en-US")} keys with ${name}`);
    all.push(await written(name, backend, options, Math.ceil(options.checkpoints * share)));
  }
  const [some, full] = all as [Written, Written];
  const row = ({ name, wholeBytes, newBytes, changedKeys }: Written) => [
    name,
    megabytes(wholeBytes),
    String(newBytes.length),
    whole(mean(changedKeys)),
    megabytes(mean(newBytes)),
    `${megabytes(median(newBytes))} (${megabytes(Math.min(...newBytes))}–${megabytes(Math.max(...newBytes))})`,
    `${((mean(newBytes) / full.wholeBytes) * 100).toFixed(1)} %`,
  ];
  const head = [
    "",
    "whole state",
    "checkpoints",
    "changed keys",
    "new bytes, mean",
    "median (from–to)",
    "of the whole",
  ];
  return {
    figures: { ...options, backends: all, share: mean(some.newBytes) / full.wholeBytes },
    table: grid(head, all.map(row)),
    plot: bars(
      "Bytes that a checkpoint writes, on average",
      all.map(({ name, newBytes }) => ({ name, value: mean(newBytes) })),
    ),
  };
}

async function written(
  name: string,
  backend: string,
  { keys, changedShare, intervalMs, parallelism }: IncrementalOptions,
  checkpoints: number,
): Promise<Written> {
  return inFolder(async (folder) => {
    const rate = Math.round((keys * changedShare * 1000) / intervalMs);
    const env = { INTERVAL: `${intervalMs}ms`, RETAIN: "100000", BACKEND: backend };
    const job = new Endless({ folder, keys, rate, parallelism, env });
    const [first, ...since] = (await job.runUntilFull(checkpoints + 1)) as [Checkpoint, ...Checkpoint[]];
    await job.finish();
    const changedBefore = [first, ...since].map(({ read }) => read.changes ?? 0);
    return {
      name,
      wholeBytes: first.bytes,
      newBytes: since.map(({ newBytes }) => newBytes),
      changedKeys: since.map((_, index) => (changedBefore[index + 1] as number) - (changedBefore[index] as number)),
    };
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
