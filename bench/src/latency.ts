import { setTimeout as pause } from "node:timers/promises";
import { KafkaClient } from "../../test/harness/client.js";
import { eventually } from "../../test/harness/eventually.js";
import { Child } from "../../test/harness/process.js";
import { interleave } from "./interleave.js";
import { Feed, reading } from "./live.js";
import { bars, grid, type Report } from "./report.js";
import { inFolder, runJob } from "./run-job.js";

export interface LatencyOptions {
  /** Events a second. */
  readonly rate: number;
  /** That are measured, after as many as are not. */
  readonly seconds: number;
  /** Of the checkpoints. */
  readonly intervalMs: number;
  readonly parallelism: number;
  readonly runs: number;
}

const PARTITIONS = 2;
const WARM_UP_S = 5;
const WINDOW_MS = 100;
const WINDOW_KEYS = 10;
const WITHIN_MS = 30_000;

/** What is read of the output: when it came, when it could have come at the earliest, and what it says. */
interface Read {
  readonly latencyMs: number;
  readonly row: { readonly n: number; readonly key?: number; readonly end?: number };
}

/** Whether what was read is all of what was to come, and nothing else. */
type Check = (feed: Feed, read: readonly Read[]) => boolean;

/**
 * How long it takes until a reader of committed records has a result, exactly once. Of an event that is passed on, from
 * when it was produced; of a window, from its end, which an event of the same millisecond tells of.
 */
export async function latency(brokers: string, options: LatencyOptions, say: (text: string) => void): Promise<Report> {
  const contender = (window: string, check: Check) => (run: number) =>
    measure(brokers, `latency-${process.pid}-${run}-${window}`, window, check, options);
  const contenders = {
    "events as they are": contender("", checkEvents),
    [`windows of ${WINDOW_MS} ms`]: contender(`${WINDOW_MS}ms`, checkWindows),
  };
  const results = [...(await interleave(contenders, options.runs, say))].map(([name, runs]) => {
    const sorted = runs.flat().sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] as number;
    return { name, results: sorted.length, p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), maxMs: at(1) };
  });
  const row = (r: (typeof results)[number]) => [
    r.name,
    r.results.toLocaleString("en-US"),
    ...[r.p50Ms, r.p90Ms, r.p99Ms, r.maxMs].map((ms) => `${Math.round(ms)} ms`),
  ];
  return {
    figures: { ...options, results },
    table: grid(["", "results", "p50", "p90", "p99", "greatest"], results.map(row)),
    plot: bars(
      "Milliseconds until a result is readable, p99",
      results.map(({ name, p99Ms }) => ({ name, value: p99Ms })),
    ),
  };
}

async function measure(
  brokers: string,
  name: string,
  window: string,
  check: Check,
  { rate, seconds, intervalMs, parallelism }: LatencyOptions,
): Promise<number[]> {
  const kafka = new KafkaClient(brokers);
  const [input, output] = [`${name}-in`, `${name}-out`];
  await kafka.createTopic(input, PARTITIONS);
  await kafka.createTopic(output, PARTITIONS);
  return inFolder(async (folder) => {
    const env = { BROKERS: brokers, INPUT: input, OUTPUT: output, JOB: name, WINDOW: window, FOLDER: folder };
    const job = new Child(runJob("latency.ts", parallelism, { ...env, INTERVAL: `${intervalMs}ms` }));
    const read: Read[] = [];
    const reader = await reading(brokers, output, PARTITIONS, (value, atMs) => {
      const row = JSON.parse(value.toString("latin1"));
      read.push({ latencyMs: atMs - (row.end ?? row.sent), row });
    });
    const feed = await Feed.open(brokers, input, PARTITIONS, rate);
    await pause(WARM_UP_S * 1000);
    const first = read.length;
    await pause(seconds * 1000);
    const last = read.length;
    await feed.close();
    const complete = () => check(feed, read) || undefined;
    await eventually(complete, { what: "all results, each once", withinMs: WITHIN_MS, detail: () => job.log });
    const { code } = await job.stop();
    await reader.close();
    if (code !== 0 || !check(feed, read)) throw new Error(`the job ended with ${code}, or more came\n${job.log}`);
    return read.slice(first, last).map(({ latencyMs }) => latencyMs);
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
