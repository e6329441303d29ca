import { KafkaClient } from "../../../test/harness/client.js";
import { PEERS } from "../../peers/index.js";
import type { Query as Asked, Peer } from "../../peers/peer.js";
import { RUST_BOUND } from "../../peers/rust-bound/peer.js";
import { interleave } from "../interleave.js";
import { latencies, type Quantiles } from "../latency.js";
import { load } from "../load.js";
import { measured } from "../measure.js";
import { plot, type Report, type Result, type Run, ratios, result, table } from "../report.js";
import { inFolder } from "../run-job.js";
import { type Contender, commandOf, type Guarantee, millraces } from "./contender.js";
import { inMemory, readOnly } from "./limits.js";
import type { Model } from "./model.js";
import { type Query, THROUGHPUT } from "./queries.js";
import { busiestSlot, type SlotShare, slotLine } from "./slots.js";

export interface ThroughputOptions {
  /** Of the first result. */
  readonly guarantee: Guarantee;
  /** By default as many as the query is usually asked of. */
  readonly events: number | undefined;
  readonly parallelism: number;
  readonly runs: number;
  /** Whether other systems take part. */
  readonly peers: boolean;
}

const PARTITIONS = 2;
const SEED = 42;
/** A contender that takes longer would be most of what is waited for: it runs once. */
const SLOW_MS = 120_000;
/** At which the latency of peers is measured. */
const RATE = 40_000;

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
  const peers = options.peers ? PEERS : [];
  // It makes the events itself, as this query has them.
  const isBound = options.peers && name === "w";
  for (const peer of isBound ? [...peers, RUST_BOUND] : peers) await peer.setUp(say);

  const topic = await filled(brokers, query, events, say);
  const millrace = millraces(query.job, options.guarantee);
  const contenders = Object.fromEntries([
    ...[...millrace, ...peers.filter((peer) => canSay(peer, query.asked))].map((contender, index) => [
      contender.name,
      (turn: number) => run(contender, query.asked, topic, `${topic.input}-${index}-${turn}`, options.parallelism),
    ]),
    ["librdkafka, read only", () => readOnly(topic)],
    ...(isBound ? [[RUST_BOUND.name, () => inMemory(topic, options.parallelism)]] : []),
  ]);
  const runs = await interleave<Run & Partial<QueryRun>>(contenders, options.runs, say, SLOW_MS);
  const results = [...runs].map(([contender, all]) => result(contender, events, all));
  const latency = options.peers ? await latencyOf(brokers, options, peers, say) : new Map<string, Quantiles>();
  const withLatency = results.map((row) => ({ ...row, ...latency.get(row.name) }));
  const [{ name: _, ...figures }, ...others] = withLatency as [Result, ...Result[]];
  const slots = [...runs.values()][0]?.flatMap(({ busiestSlot }) => busiestSlot ?? []) ?? [];
  return {
    figures: {
      ...options,
      events,
      ...figures,
      slots,
      ratios: ratios(results[0] as Result, others),
      results: withLatency,
    },
    table: `${query.title}\n\n${table(withLatency)}${options.parallelism > 1 ? `\n\n${slotLine(slots)}` : ""}`,
    plot: plot(query.title, results),
  };
}

/** An input, and what has to come of it. */
export interface Topic {
  readonly brokers: string;
  readonly input: string;
  readonly events: number;
  readonly model: Model;
}

/** Makes the input of a query. */
export async function filled(
  brokers: string,
  { auctions, record, model: empty }: Query,
  events: number,
  say: (text: string) => void,
): Promise<Topic> {
  const input = `bids-${process.pid}`;
  await new KafkaClient(brokers).createTopic(input, PARTITIONS);
  say(`loading ${events.toLocaleString("en-US")} events`);
  const model = empty();
  await load(brokers, input, { events, partitions: PARTITIONS, seed: SEED, auctions, record }, (bid) => model.add(bid));
  return { brokers, input, events, model };
}

/** What is measured of a run of a query. */
export interface QueryRun extends Run {
  /** Of the process that goes by the id `beside`, before results are verified. */
  readonly besideCpuSeconds: number;
  /** Of Millrace alone. */
  readonly busiestSlot: SlotShare | undefined;
}

/** One run of a contender over the whole topic; its results are those of the model. */
export function run(
  contender: Contender,
  query: Asked,
  { brokers, input, events, model }: Topic,
  output: string,
  parallelism: number,
  beside?: number,
): Promise<QueryRun> {
  return inFolder(async (folder) => {
    const kafka = new KafkaClient(brokers);
    await kafka.createTopic(output, PARTITIONS);
    const command = commandOf(contender, { query, brokers, input, output, events, parallelism, bounded: true, folder });
    const { seconds, cpuSeconds, peakRssBytes, besideCpuSeconds, stderr } = await measured(command, beside);
    await verify(kafka, output, model);
    return { seconds, cpuSeconds, peakRssBytes, besideCpuSeconds, busiestSlot: busiestSlot(stderr) };
  });
}

/** That the topic holds what the query has to give, and nothing else. */
async function verify(kafka: KafkaClient, topic: string, model: Model): Promise<void> {
  const check = model.check();
  await kafka.each(topic, ({ value }) => check.row(JSON.parse(String(value))));
  const differences = check.differences();
  if (differences > 0) throw new Error(`${topic}: ${differences} of ${model.rows} results are missing or wrong`);
}

function canSay(peer: Peer, query: Asked): boolean {
  const task = { brokers: "", input: "", output: "", folder: "", events: 1, parallelism: 1, bounded: true };
  return peer.command({ query, ...task }) !== undefined;
}

/** How long each contender takes to pass events on; those that cannot keep up have none. */
function latencyOf(
  brokers: string,
  { guarantee, parallelism }: ThroughputOptions,
  peers: readonly Peer[],
  say: (text: string) => void,
): Promise<Map<string, Quantiles>> {
  const query: Asked = { kind: "latency" };
  const millrace = millraces({ file: "latency.ts", env: { INTERVAL: "100ms" } }, guarantee);
  const contenders = [...millrace, ...peers.filter((peer) => canSay(peer, query))];
  return latencies(brokers, contenders, { rate: RATE, seconds: 10, parallelism, runs: 1 }, say);
}
