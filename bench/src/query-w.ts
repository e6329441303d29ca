import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { KafkaClient } from "../../test/harness/client.js";
import { ROOT } from "../../test/harness/paths.js";
import { interleave } from "./interleave.js";
import { load } from "./load.js";
import { type Figures, measured } from "./measure.js";
import { plot, type Report, type Result, type Run, ratios, result, table } from "./report.js";
import { inFolder, runJob } from "./run-job.js";

export type Guarantee = "at-least-once" | "exactly-once";

export interface QueryOptions {
  /** Of the first result. */
  readonly guarantee: Guarantee;
  readonly events: number;
  readonly parallelism: number;
  readonly runs: number;
  readonly peers: boolean;
}

const PARTITIONS = 2;
const SEED = 42;

/** Runs Query W and, in turn with it, its peers on the same topic. The first result is Millrace's. */
export async function queryW(brokers: string, options: QueryOptions, say: (text: string) => void): Promise<Report> {
  const kafka = new KafkaClient(brokers);
  const input = `bids-${process.pid}`;
  await kafka.createTopic(input, PARTITIONS);
  say(`loading ${options.events.toLocaleString("en-US")} events`);
  const expected = await load(brokers, input, { events: options.events, partitions: PARTITIONS, seed: SEED });

  const millrace = (guarantee: Guarantee) => async (run: number) => {
    const name = `${input}-${guarantee}-${run}`;
    await kafka.createTopic(name, PARTITIONS);
    return inFolder(async (folder) => {
      const checkpoints = guarantee === "exactly-once" ? folder : "";
      const env = { BROKERS: brokers, INPUT: input, OUTPUT: name, JOB: name, CHECKPOINTS: checkpoints };
      const figures = await measured(runJob("query-w.ts", options.parallelism, env));
      const rows = (await kafka.read(name)).map(({ value }) => JSON.parse(String(value)));
      const wrong = expected.differences(rows);
      if (wrong > 0) throw new Error(`${wrong} of ${expected.rows} results are missing or wrong`);
      return figures;
    });
  };
  const contenders: Record<string, (run: number) => Promise<Run>> = {
    Millrace: millrace(options.guarantee),
    ...(options.guarantee === "at-least-once" ? { "Millrace, exactly once": millrace("exactly-once") } : {}),
    ...(options.peers ? peers(brokers, input, options.events) : {}),
  };
  const runs = await interleave(contenders, options.runs, say);
  const results = [...runs].map(([name, all]) => result(name, options.events, all));
  const [{ name: _, ...figures }, ...others] = results as [Result, ...Result[]];
  return {
    figures: { ...options, ...figures, ratios: ratios(results[0] as Result, others), results },
    table: table(results),
    plot: plot("Query W", results),
  };
}

function peers(brokers: string, topic: string, events: number): Record<string, (run: number) => Promise<Run>> {
  const loop = join(ROOT, "bench/src/peers/kafkajs-loop.ts");
  return {
    "kafkajs loop": () =>
      measured({ command: process.execPath, args: ["--import=tsx", loop, brokers, topic, String(events)], cwd: ROOT }),
    "librdkafka, read only": () => readOnly(brokers, topic, events),
  };
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
