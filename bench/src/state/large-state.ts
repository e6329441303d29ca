import { join } from "node:path";
import { interleave } from "../interleave.js";
import { measured } from "../measure.js";
import { plot, type Report, type Run, ratios, result, table } from "../report.js";
import { inFolder, runJob } from "../run-job.js";
import { check, keysOf } from "./model.js";

export interface LargeStateOptions {
  /** What the state takes in memory. */
  readonly stateBytes: number;
  /** How many times the budget that is. */
  readonly times: number;
  /** Events of each key. */
  readonly rounds: number;
  readonly parallelism: number;
  readonly runs: number;
}

/** The same sums by key with all state in memory, and with a budget of a part of it. */
export async function largeState(options: LargeStateOptions, say: (text: string) => void): Promise<Report> {
  const keys = keysOf(options.stateBytes);
  const events = keys * options.rounds;
  const budget = `${Math.round(options.stateBytes / options.times / 1024 ** 2)}MB`;
  const run = (env: Record<string, string>) => (): Promise<Run> =>
    inFolder(async (folder) => {
      const all = { KEYS: String(keys), FILL: String(events), FOLDER: folder, ...env };
      const figures = await measured(runJob("keyed-sums.ts", options.parallelism, all));
      await check(join(folder, "results"), keys, [events]);
      return figures;
    });
  const contenders = {
    "all in memory": run({ BACKEND: "memory" }),
    "all in memory, with checkpoints": run({ BACKEND: "rocksdb" }),
    [`budget ${budget}`]: run({ BACKEND: "rocksdb", BUDGET: budget }),
  };
  const runs = await interleave(contenders, options.runs, say);
  const results = [...runs].map(([name, all]) => result(name, events, all));
  const [, , large] = results;
  return {
    figures: { ...options, keys, events, budget, share: large && ratios(large, results), results },
    table: table(results),
    plot: plot("State over its budget", results),
  };
}
