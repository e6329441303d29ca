import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { KafkaClient } from "../../../test/harness/client.js";
import { ROOT } from "../../../test/harness/paths.js";
import { interleave } from "../interleave.js";
import { load } from "../load.js";
import { type Figures, measured } from "../measure.js";
import { plot, type Report, type Result, type Run, ratios, result, table } from "../report.js";
import { inFolder, runJob } from "../run-job.js";
import type { Model } from "./model.js";
import { THROUGHPUT } from "./queries.js";

export type Guarantee = "at-least-once" | "exactly-once";

export interface ThroughputOptions {
  /** Of the first result. */
  readonly guarantee: Guarantee;
  /** By default as many as the query is usually asked of. */
  readonly events: number | undefined;
  readonly parallelism: number;
  readonly runs: number;
  readonly peers: boolean;
}

const PARTITIONS = 2;
const SEED = 42;

/** Runs a query and, in turn with it, its peers on the same topic. The first result is Millrace's. */
export async function throughput(
  brokers: string,
  name: string,
  options: ThroughputOptions,
  say: (text: string) => void,
): Promise<Report> {
  const query = THROUGHPUT[name];
  if (query === undefined) throw new Error(`there is no query "${name}"`);
  const events = options.events ?? query.events;
  const kafka = new KafkaClient(brokers);
  const input = `bids-${process.pid}`;
  await kafka.createTopic(input, PARTITIONS);
  say(`loading ${events.toLocaleString("en-US")} events`);
  const model = query.model();
  const { auctions, record } = query;
  await load(brokers, input, { events, partitions: PARTITIONS, seed: SEED, auctions, record }, (bid) => model.add(bid));

  const millrace = (guarantee: Guarantee) => async (run: number) => {
    const output = `${input}-${guarantee}-${run}`;
    await kafka.createTopic(output, PARTITIONS);
    return inFolder(async (folder) => {
      const checkpoints = guarantee === "exactly-once" ? folder : "";
      const job = { BROKERS: brokers, INPUT: input, OUTPUT: output, JOB: output, CHECKPOINTS: checkpoints };
      const figures = await measured(runJob(query.job, options.parallelism, { ...query.env, ...job }));
      await verify(kafka, output, model);
      return figures;
    });
  };
  const contenders: Record<string, (run: number) => Promise<Run>> = {
    Millrace: millrace(options.guarantee),
    ...(options.guarantee === "at-least-once" ? { "Millrace, exactly once": millrace("exactly-once") } : {}),
    ...(options.peers ? { "librdkafka, read only": () => readOnly(brokers, input, events) } : {}),
  };
  const runs = await interleave(contenders, options.runs, say);
  const results = [...runs].map(([name, all]) => result(name, events, all));
  const [{ name: _, ...figures }, ...others] = results as [Result, ...Result[]];
  return {
    figures: { ...options, events, ...figures, ratios: ratios(results[0] as Result, others), results },
    table: `${query.title}\n\n${table(results)}`,
    plot: plot(query.title, results),
  };
}

/** That the topic holds what the query has to give, and nothing else. */
async function verify(kafka: KafkaClient, topic: string, model: Model): Promise<void> {
  const check = model.check();
  await kafka.each(topic, ({ value }) => check.row(JSON.parse(String(value))));
  const differences = check.differences();
  if (differences > 0) throw new Error(`${topic}: ${differences} of ${model.rows} results are missing or wrong`);
}

/** Reads the topic by librdkafka alone: what no consumer of it can do better. */
async function readOnly(brokers: string, topic: string, events: number): Promise<Figures> {
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
  const cargo = ["build", "--release", "--locked", "--workspace", "--example", "kafka_read"];
  execFileSync("cargo", cargo, { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
  const figures = await measured({ command: join(target, "release/examples/kafka_read"), args: [brokers, topic] });
  if (Number(figures.stdout) !== events) throw new Error(`${figures.stdout} of ${events} records were read`);
  return figures;
}
