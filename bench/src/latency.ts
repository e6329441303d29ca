import { setTimeout as pause } from "node:timers/promises";
import { KafkaClient } from "../../test/harness/client.js";
import { eventually } from "../../test/harness/eventually.js";
import { Child } from "../../test/harness/process.js";
import { interleave } from "./interleave.js";
import { Feed, reading } from "./live.js";
import { bars, grid, type Report } from "./report.js";
import { inFolder } from "./run-job.js";
import { type Contender, commandOf, millraces } from "./throughput/contender.js";

export interface LatencyOptions {
  /** Events a second. */
  readonly rate: number;
  /** That are measured, after as many as are not. */
  readonly seconds: number;
  readonly parallelism: number;
  readonly runs: number;
}

/** In milliseconds. */
export interface Quantiles {
  readonly results: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const PARTITIONS = 2;
const WARM_UP_S = 5;
const WINDOW_MS = 100;
const WINDOW_KEYS = 10;
const WITHIN_MS = 30_000;
/** Of a program that ends by SIGTERM without a handler. */
const TERMINATED = 143;

/** What is read of the output: when it came, when it could have come at the earliest, and what it says. */
interface Read {
  readonly latencyMs: number;
  readonly row: { readonly n: number; readonly key?: number; readonly end?: number };
}

/** Whether what was read is all of what was to come, and nothing else. */
type Check = (feed: Feed, read: readonly Read[]) => boolean;

/**
 * How long it takes until a reader of committed records has a result. Of an event that is passed on, from when it was
 * produced; of a window, from its end, which an event of the same millisecond tells of. Exactly once, there is a
 * checkpoint every `intervalMs`.
 */
export async function latency(
  brokers: string,
  { intervalMs, ...options }: LatencyOptions & { readonly intervalMs: number },
  say: (text: string) => void,
): Promise<Report> {
  const jobs = (window: string) =>
    millraces({ file: "latency.ts", env: { INTERVAL: `${intervalMs}ms`, WINDOW: window } }, "at-least-once");
  const contenders = [
    ...jobs("").map((job) => ({ job, what: `events as they are`, check: checkEvents })),
    ...jobs(`${WINDOW_MS}ms`).map((job) => ({ job, what: `windows of ${WINDOW_MS} ms`, check: checkWindows })),
  ].map(({ job, what, check }, index): [string, (run: number) => Promise<number[]>] => [
    `${job.name}: ${what}`,
    (run) => measure(brokers, job, `latency-${process.pid}-${index}-${run}`, check, options),
  ]);
  const runs = await interleave(Object.fromEntries(contenders), options.runs, say);
  const results = [...runs].map(([name, latencies]) => ({ name, ...quantiles(latencies.flat()) }));
  const row = (r: (typeof results)[number]) => [
    r.name,
    r.results.toLocaleString("en-US"),
    ...[r.p50Ms, r.p90Ms, r.p99Ms, r.maxMs].map((ms) => `${Math.round(ms)} ms`),
  ];
  return {
    figures: { ...options, intervalMs, results },
    table: grid(["", "results", "p50", "p90", "p99", "greatest"], results.map(row)),
    plot: bars(
      "Milliseconds until a result is readable, p99",
      results.map(({ name, p99Ms }) => ({ name, value: p99Ms })),
    ),
  };
}

/** How long each contender takes to pass events on. Those that cannot keep up with the rate are left out. */
export async function latencies(
  brokers: string,
  contenders: readonly Contender[],
  options: LatencyOptions,
  say: (text: string) => void,
): Promise<Map<string, Quantiles>> {
  const measures = contenders.map((contender, index): [string, (run: number) => Promise<number[] | undefined>] => [
    contender.name,
    (run) =>
      measure(brokers, contender, `pass-${process.pid}-${index}-${run}`, checkEvents, options).catch(
        (error: Error) => void say(`${contender.name}: ${error.message}`),
      ),
  ]);
  say(`latency at ${options.rate.toLocaleString("en-US")} events/s`);
  const runs = await interleave(Object.fromEntries(measures), options.runs, say);
  return new Map(
    [...runs].flatMap(([name, all]) =>
      all.includes(undefined) ? [] : [[name, quantiles((all as number[][]).flat())] as const],
    ),
  );
}

/** Of no latencies they are 0. */
export function quantiles(latencies: readonly number[]): Quantiles {
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
  return { results: sorted.length, p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), maxMs: at(1) };
}

async function measure(
  brokers: string,
  contender: Contender,
  name: string,
  check: Check,
  { rate, seconds, parallelism }: LatencyOptions,
): Promise<number[]> {
  const kafka = new KafkaClient(brokers);
  const [input, output] = [`${name}-in`, `${name}-out`];
  await kafka.createTopic(input, PARTITIONS);
  await kafka.createTopic(output, PARTITIONS);
  return inFolder(async (folder) => {
    const events = rate * (WARM_UP_S + seconds);
    const topics = { brokers, input, output, folder, parallelism, events };
    const command = commandOf(contender, { query: { kind: "latency" }, bounded: false, ...topics });
    const job = new Child(command);
    const read: Read[] = [];
    const reader = await reading(brokers, output, PARTITIONS, (value, atMs) => {
      const row = JSON.parse(value.toString("latin1"));
      read.push({ latencyMs: atMs - (row.end ?? row.sent), row });
    });
    const feed = await Feed.open(brokers, input, PARTITIONS, rate);
    try {
      await eventually(() => read.length > 0 || undefined, {
        what: "a result",
        withinMs: WITHIN_MS,
        detail: () => job.log,
      });
      await pause(WARM_UP_S * 1000);
      const first = read.length;
      await pause(seconds * 1000);
      const last = read.length;
      await feed.close();
      const complete = () => check(feed, read) || undefined;
      await eventually(complete, { what: "all results, each once", withinMs: WITHIN_MS, detail: () => job.log });
      const { code } = await job.stop();
      if (![0, TERMINATED].includes(code) || !check(feed, read))
        throw new Error(`the job ended with ${code}, or more came\n${job.log}`);
      return read.slice(first, last).map(({ latencyMs }) => latencyMs);
    } finally {
      await feed.close();
      await job.stop();
      await reader.close();
    }
  });
}
/** Each event was read once. */
function checkEvents(feed: Feed, read: readonly Read[]): boolean {
  return read.length === feed.sent.length && new Set(read.map(({ row }) => row.n)).size === feed.sent.length;
}

/** Each window that is over was read once, with as many events as it has. */
function checkWindows(feed: Feed, read: readonly Read[]): boolean {
  const endOf = (ms: number) => Math.floor(ms / WINDOW_MS + 1) * WINDOW_MS;
  const overAt = Math.min(...Array.from({ length: PARTITIONS }, (_, partition) => feed.lastOf(partition)));
  const expected = new Map<string, number>();
  feed.sent.forEach((ms, n) => {
    const group = `${n % WINDOW_KEYS} ${endOf(ms)}`;
    if (endOf(ms) <= overAt) expected.set(group, (expected.get(group) ?? 0) + 1);
  });
  const wrong = read.filter(({ row }) => expected.get(`${row.key} ${row.end}`) !== row.n);
  return wrong.length === 0 && read.length === expected.size;
}
