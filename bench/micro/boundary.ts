// What it costs to pass a batch of 8,192 rows of four columns to JavaScript and back, and a row of it to a function.
import { generator, type JobBuilder, job, type Schema, schema, t, table, type UserFunction } from "millrace";
import { Bench } from "tinybench";
import { caller } from "../../worker/src/functions/call.js";
import { rowWriter } from "../../worker/src/functions/row-code.js";
import { Scratch } from "../../worker/src/functions/scratch.js";
import { type Batch, NativeJob, NativeSlot } from "../../worker/src/native.js";
import type { Micro } from "../src/micro.js";

const ROWS = 8192;
const BATCHES = 100;

const Numbers = schema({ key: t.int64(), price: t.int64(), ratio: t.float64(), at: t.timestamp("ms") });
const Texts = schema({ key: t.string(), price: t.int64(), ratio: t.float64(), at: t.timestamp("ms") });

interface Row {
  readonly key: unknown;
  readonly price: bigint;
  readonly ratio: number;
  readonly at: number;
}

interface Columns {
  readonly columns: { readonly [K in keyof Row]: unknown } & { readonly ratio: Float64Array };
}

process.stdout.write(JSON.stringify([...(await crossing()), ...(await functions())]));

/** Whole jobs, with a function that gives back what it gets and without it. */
async function crossing(): Promise<Micro[]> {
  const group = "A batch to JavaScript and back";
  const bench = new Bench({ iterations: 20, warmupIterations: 5, time: 0 });
  bench.add("limit: the job without the function", () => run(false));
  bench.add("a function that returns what it gets", () => run(true));
  return measured(bench, group, ROWS * BATCHES);
}

function run(withFunction: boolean): void {
  const made = job("crossing", (j: JobBuilder) => {
    const rows = j
      .source(generator.bids({ count: ROWS * BATCHES, startTime: 0 }))
      .select(({ auction: key, price, dateTime: at }) => ({ key, price, ratio: price.cast(t.float64()), at }));
    const passed = withFunction ? rows.mapBatch(Numbers, ({ columns }) => columns) : rows;
    passed.filter((row) => row.price.lt(0)).to(table());
  });
  const scratch = new Scratch();
  const functions = made.functions.map(caller);
  const native = new NativeJob(made.toPlan({ parallelism: 1 }), undefined, "latest", []);
  const slot = new NativeSlot(
    native.id,
    0,
    (number, batch) =>
      (functions[number] as (batch: Batch) => ReturnType<(typeof functions)[number]>)(scratch.view(batch)),
    () => {},
    scratch.memory,
  );
  while (!slot.step(100));
  native.close();
}

/** The functions of a slot alone, on a batch that lies in memory. */
async function functions(): Promise<Micro[]> {
  const bench = new Bench({ time: 500 });
  const oneMore = ({ key, price, ratio, at }: Row) => ({ key, price: price + 1n, ratio: ratio + 1, at });
  const ofColumns = ({ columns }: Columns) => ({ ...columns, ratio: columns.ratio.map((ratio) => ratio + 1) });
  for (const [name, of] of Object.entries({ numbers: Numbers, "a string and numbers": Texts })) {
    const batch = batchOf(of, rows(of === Texts));
    const map = called("map", of, oneMore);
    const mapBatch = called("mapBatch", of, ofColumns);
    bench.add(`map, ${name}`, () => map(batch));
    bench.add(`mapBatch, ${name}`, () => mapBatch(batch));
  }
  const plain = rows(true);
  bench.add("limit: the function of map on an array of rows", () => plain.map(oneMore));
  return measured(bench, "A function in JavaScript", ROWS);
}

function called(kind: UserFunction["kind"], of: Schema, fn: (value: never) => unknown) {
  return caller({ kind, fn, input: of, output: of, step: kind });
}

function rows(hasText: boolean): Row[] {
  return Array.from({ length: ROWS }, (_, row) => ({
    key: hasText ? `channel-${row % 10_000}` : BigInt(row),
    price: BigInt(row * 1_000_003),
    ratio: row / 7,
    at: 1_700_000_000_000 + row,
  }));
}

function batchOf(of: Schema, rows: readonly Row[]): Batch {
  const made = rowWriter(of.fields);
  made.begin();
  rows.forEach((row, index) => {
    made.set(index, row);
  });
  return { length: rows.length, columns: made.finish(rows.length) };
}

async function measured(bench: Bench, group: string, rows: number): Promise<Micro[]> {
  const tasks = await bench.run();
  return tasks.map(({ name, result }) => {
    if (!("latency" in result)) throw new Error(`${name} has no result: ${JSON.stringify(result)}`);
    return { group, name, nsPerRow: (result.latency.p50 * 1e6) / rows };
  });
}
