import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { interleave } from "./interleave.js";
import { measured } from "./measure.js";
import { bars, grid, median, type Report, type Run, result, whole } from "./report.js";
import { inFolder, runJob } from "./run-job.js";

export interface FunctionsOptions {
  readonly events: number;
  readonly runs: number;
}

/** What the job is told of its steps. */
type Step = { readonly STEP: string; readonly ARRAYS?: string; readonly OPERATIONS?: string };

/** So many equal steps follow each other: one alone is lost in what the job takes besides. */
const STEPS = 10;
const CONTENDERS: Readonly<Record<string, Step>> = {
  select: { STEP: "select" },
  mapBatch: { STEP: "mapBatch" },
  "mapBatch, arrays kept": { STEP: "mapBatch", ARRAYS: "kept" },
  map: { STEP: "map" },
  "select of 6 operations": { STEP: "select", OPERATIONS: "6" },
  "mapBatch of 6 operations, arrays kept": { STEP: "mapBatch", OPERATIONS: "6", ARRAYS: "kept" },
};
const ROWS = { numbers: "int64, int64, float64, timestamp", texts: "string, int64, float64, timestamp" };

type Sums = Map<string, { readonly total: number; readonly ratios: number; readonly last: number }>;

/** What a step costs that adds one to two columns of four: native, a batch at a time and a row at a time in JavaScript. */
export async function functions(options: FunctionsOptions, say: (text: string) => void): Promise<Report> {
  const contenders: Record<string, (run: number) => Promise<Run>> = {};
  for (const rows of Object.keys(ROWS)) {
    const plain: { sums?: Sums } = {};
    contenders[`${rows}: no step`] = async () => {
      const { sums, ...figures } = await contend(options.events, rows, 0, { STEP: "select" });
      plain.sums = sums;
      return figures;
    };
    for (const [step, env] of Object.entries(CONTENDERS)) {
      contenders[`${rows}: ${step}`] = async () => {
        const { sums, ...figures } = await contend(options.events, rows, STEPS, env);
        check(sums, plain.sums ?? new Map(), options.events);
        return figures;
      };
    }
  }
  const done = await interleave(contenders, options.runs, say);
  const results = [...done].map(([name, runs]) => result(name, options.events, runs));
  const costs = Object.keys(ROWS).flatMap((rows) => costsOf(rows, options, done));
  return {
    figures: { ...options, steps: STEPS, rows: ROWS, costs, results },
    table: grid(
      ["", "rows per CPU s, of the step", "ns a row", "from–to", "beside select"],
      costs.map(({ name, rowsPerCpuSecond, nsPerRow, each, besideSelect }) => [
        name,
        whole(rowsPerCpuSecond),
        nsPerRow.toFixed(1),
        `${Math.min(...each).toFixed(1)}–${Math.max(...each).toFixed(1)}`,
        `${besideSelect.toFixed(2)}×`,
      ]),
    ),
    plot: bars(
      "Rows per CPU second and step",
      costs.map(({ name, rowsPerCpuSecond }) => ({ name, value: rowsPerCpuSecond })),
    ),
  };
}

/** What one step takes: the job's CPU time less that of the job without it, turn by turn. */
function costsOf(rows: string, { events }: FunctionsOptions, done: ReadonlyMap<string, readonly Run[]>) {
  const none = done.get(`${rows}: no step`) ?? [];
  const costs = Object.entries(CONTENDERS).map(([step, env]) => {
    const runs = done.get(`${rows}: ${step}`) ?? [];
    const each = runs.map((run, turn) => {
      const added = run.cpuSeconds - (none[turn]?.cpuSeconds ?? 0);
      return (added * 1e9) / (events * STEPS);
    });
    const nsPerRow = median(each);
    return { name: `${rows}: ${step}`, env, nsPerRow, each, rowsPerCpuSecond: 1e9 / nsPerRow };
  });
  return costs.map(({ env, ...cost }) => {
    const isNative = (one: (typeof costs)[number]) =>
      one.env.STEP === "select" && operations(one.env) === operations(env);
    return { ...cost, besideSelect: cost.nsPerRow / (costs.find(isNative)?.nsPerRow ?? Number.NaN) };
  });
}

const operations = (env: Step) => env.OPERATIONS ?? "1";

async function contend(events: number, rows: string, steps: number, env: Step): Promise<Run & { sums: Sums }> {
  return inFolder(async (folder) => {
    const all = { EVENTS: String(events), ROWS: rows, STEPS: String(steps), FOLDER: folder, ...env };
    const { seconds, cpuSeconds, peakRssBytes } = await measured(runJob("functions.ts", 1, all));
    return { seconds, cpuSeconds, peakRssBytes, sums: await read(join(folder, "results")) };
  });
}

async function read(folder: string): Promise<Sums> {
  const sums: Sums = new Map();
  for (const file of await readdir(folder)) {
    for await (const line of createInterface({ input: createReadStream(join(folder, file)) })) {
      const { key, ...row } = JSON.parse(line);
      sums.set(String(key), row);
    }
  }
  return sums;
}

/** Each step has added one to each row's price and ratio, and left the rest. */
function check(sums: Sums, plain: Sums, events: number): void {
  let [added, wrong] = [0, 0];
  for (const [key, { total, ratios, last }] of plain) {
    const made = sums.get(key);
    added += (made?.total ?? 0) - total;
    if (made === undefined || made.last !== last || made.ratios !== made.total || ratios !== total) wrong += 1;
  }
  if (wrong > 0 || sums.size !== plain.size || added !== events * STEPS)
    throw new Error(`${wrong} of ${plain.size} sums are wrong; ${added} were added to ${events} rows`);
}
