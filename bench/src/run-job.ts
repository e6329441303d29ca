import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../test/harness/paths.js";
import type { Command } from "../../test/harness/process.js";

/** The clone whose job is run: another one when it is compared with this. */
const CLONE = process.env.MILLRACE_BENCH_CLONE ?? ROOT;
const CLI = join(CLONE, "sdk/bin/millrace.js");

/** `millrace run` of a job of bench/jobs. */
export function runJob(file: string, parallelism: number, env: Record<string, string>): Command {
  const job = join(CLONE, "bench/jobs", file);
  return {
    command: process.execPath,
    args: [CLI, "run", job, "--parallelism", String(parallelism)],
    env: { NODE_OPTIONS: "", ...env },
  };
}

/** Lends a folder, which then goes. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-bench-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The sum of the column `count` over all rows of a folder's files. */
export async function counted(folder: string): Promise<number> {
  const files = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file), "utf8")));
  const lines = files.flatMap((file) => file.trimEnd().split("\n"));
  return lines.reduce((total, line) => total + Number(JSON.parse(line).count), 0);
}
