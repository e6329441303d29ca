// What no system that does the same can be better than.
import { RUST_BOUND } from "../../peers/rust-bound/peer.js";
import { example } from "../example.js";
import { type Figures, measured } from "../measure.js";
import type { Run } from "../report.js";
import { commandOf } from "./contender.js";
import { WindowModel } from "./model.js";
import type { Topic } from "./throughput.js";

/** Reads the topic by librdkafka alone. */
export async function readOnly({ brokers, input, events }: Topic): Promise<Figures> {
  const figures = await measured({ command: example("kafka_read"), args: [brokers, input] });
  if (Number(figures.stdout) !== events) throw new Error(`${figures.stdout} of ${events} records were read`);
  return figures;
}

/** Asks Query W of records that lie in memory: parsing, exchange, groups and the text of results, without Kafka. */
export async function inMemory({ events, model, brokers, input }: Topic, parallelism: number): Promise<Run> {
  const query = { kind: "windowed", name: "w", sizeMs: 10_000, slideMs: 10_000 } as const;
  const task = { query, events, parallelism, brokers, input, output: "", folder: "", bounded: true };
  const { stdout, peakRssBytes } = await measured(commandOf(RUST_BOUND, task));
  const { seconds, cpuSeconds, rows, checksum } = JSON.parse(stdout) as Run & { rows: number; checksum: string };
  const isRight = model instanceof WindowModel && rows === model.rows && checksum === model.checksum();
  if (!isRight) throw new Error(`${RUST_BOUND.name}: other results`);
  return { seconds, cpuSeconds, peakRssBytes };
}
