import { join } from "node:path";
import { measured } from "../measure.js";
import { bars, grid, median, megabytes, type Report, whole } from "../report.js";
import { inFolder, runJob } from "../run-job.js";
import { check } from "./model.js";
import { checkpointsIn } from "./stored.js";

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
    const changed = Math.round(keys * changedShare);
    const changes = changed * (checkpoints + FILLING);
    const env = {
      KEYS: String(keys),
      FILL: String(keys),
      CHANGES: String(changes),
      RATE: String(Math.round((changed * 1000) / intervalMs)),
      INTERVAL: `${intervalMs}ms`,
      RETAIN: "100000",
      BACKEND: backend,
      FOLDER: folder,
    };
    await measured(runJob("keyed-sums.ts", parallelism, env));
    await check(join(folder, "results"), keys, [keys, changes]);
    // The last one comes when windows have fired.
    const stored = checkpointsIn(`${folder}/checkpoints`, "keyed-sums").slice(0, -1);
    const full = stored.findIndex(({ read }) => read.fill === keys);
    const since = stored.slice(full + 1);
    const first = stored[full];
    if (first === undefined || since.length === 0) throw new Error(`no checkpoint of ${name} came after all keys`);
    const changedBefore = [first, ...since].map(({ read }) => read.changes ?? 0);
    return {
      name,
      wholeBytes: first.bytes,
      newBytes: since.map(({ newBytes }) => newBytes),
      changedKeys: since.map((_, index) => (changedBefore[index + 1] as number) - (changedBefore[index] as number)),
    };
  });
}

/** Intervals that pass, at most, until all keys are there. */
const FILLING = 20;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
