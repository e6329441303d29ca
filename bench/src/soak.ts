import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { KafkaClient } from "../../test/harness/client.js";
import { eventually } from "../../test/harness/eventually.js";
import { Child } from "../../test/harness/process.js";
import { example } from "./example.js";
import { quantiles } from "./latency.js";
import { reading } from "./live.js";
import { cpuSeconds, rssBytes } from "./measure.js";
import { grid, megabytes, type Report, whole } from "./report.js";
import { inFolder } from "./run-job.js";
import { commandOf, millrace } from "./throughput/contender.js";

export interface SoakOptions {
  readonly minutes: number;
  /** Of the peak, at which events come. */
  readonly share: number;
  readonly parallelism: number;
}

const PARTITIONS = 2;
const AUCTIONS = 100_000;
const WINDOW_S = 10;
const PEAK_S = 30;
const ROWS = 12;
const WITHIN_MS = 120_000;
/** What a topic keeps: a soak writes more than a disk has. */
const RETENTION = { "retention.bytes": "2000000000", "segment.bytes": "250000000" };

/** Of one part of the soak. */
interface Part {
  readonly minutes: number;
  readonly cpuShare: number;
  readonly rssBytes: number;
  readonly results: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Query W, exactly once, for a long time at a share of what it can do at most: whether memory, CPU and latency stay as they
 * are, and whether each event is counted. Latency is from a window's end; its results are due 1 s later, as events may be
 * late by that.
 */
export async function soak(brokers: string, options: SoakOptions, say: (text: string) => void): Promise<Report> {
  say(`peak: events as fast as they go for ${PEAK_S} s`);
  const peak = await feedAndCount(brokers, `peak-${process.pid}`, { rate: 0, seconds: PEAK_S, ...options }, say);
  const [peakRate, rate] = [peak.sent / peak.seconds, Math.round((peak.sent / peak.seconds) * options.share)];
  say(`soak: ${options.minutes} minutes at ${whole(rate)} events/s, of a peak of ${whole(peakRate)}`);
  const seconds = options.minutes * 60;
  const { sent, parts } = await feedAndCount(brokers, `soak-${process.pid}`, { rate, seconds, ...options }, say);
  const rows = parts.map((part) => [
    part.minutes.toFixed(1),
    `${whole(part.cpuShare * 100)} %`,
    megabytes(part.rssBytes),
    whole(part.results),
    `${whole(part.p50Ms)} ms`,
    `${whole(part.p99Ms)} ms`,
  ]);
  return {
    figures: { ...options, peakRate, rate, sent, parts },
    table: `${whole(sent)} events at ${whole(rate)} events/s (peak: ${whole(peakRate)}), each counted once\n\n${grid(
      ["minutes", "CPU", "RSS", "results", "p50", "p99"],
      rows,
    )}`,
  };
}

/** Feeds a job and follows it; ends when all events are in its results. */
async function feedAndCount(
  brokers: string,
  name: string,
  { rate, seconds, parallelism }: { rate: number; seconds: number; parallelism: number },
  say: (text: string) => void,
): Promise<{ sent: number; seconds: number; parts: Part[] }> {
  const kafka = new KafkaClient(brokers);
  const [input, output] = [`${name}-in`, `${name}-out`];
  await kafka.createTopic(input, PARTITIONS, RETENTION);
  await kafka.createTopic(output, PARTITIONS, RETENTION);
  return inFolder(async (folder) => {
    const env = { SIZE: `${WINDOW_S}s`, SLIDE: `${WINDOW_S}s`, UNTIL: "stopped" };
    const job = millrace({ file: "windows.ts", env }, "exactly-once", "Millrace");
    const query = { kind: "windowed", name, sizeMs: WINDOW_S * 1000, slideMs: WINDOW_S * 1000 } as const;
    const command = commandOf(job, { query, brokers, input, output, folder, parallelism, events: 0, bounded: false });
    const worker = new Child(command);
    let [counted, latencies] = [0, [] as number[]];
    const reader = await reading(brokers, output, PARTITIONS, (value, atMs) => {
      const { start, n } = JSON.parse(value.toString("latin1")) as { start: number; n: number };
      counted += n;
      latencies.push(atMs - start - WINDOW_S * 1000);
    });
    const start = performance.now();
    const [partS, numbers] = [seconds / ROWS, [PARTITIONS, AUCTIONS, rate, seconds].map(String)] as const;
    const feed = new Child({ command: example("kafka_feed"), args: [brokers, input, ...numbers] });
    const parts: Part[] = [];
    try {
      for (let cpu = used(worker.pid), part = 1; part <= ROWS; part++) {
        await pause(Math.max(0, start + part * partS * 1000 - performance.now()));
        if (!worker.running) throw new Error(`the job ended\n${worker.log}`);
        const { results, p50Ms, p99Ms } = quantiles(latencies);
        latencies = [];
        const now = used(worker.pid);
        parts.push({
          minutes: (part * partS) / 60,
          cpuShare: (now.cpuSeconds - cpu.cpuSeconds) / partS,
          rssBytes: now.rssBytes,
          results,
          p50Ms,
          p99Ms,
        });
        cpu = now;
        const last = parts.at(-1) as Part;
        say(`${last.minutes.toFixed(1)} min: ${megabytes(last.rssBytes)}, p99 ${whole(last.p99Ms)} ms`);
      }
      const { code } = await feed.exited(WITHIN_MS);
      const sent = Number(feed.stdout);
      if (code !== 0 || !(sent > 0)) throw new Error(`the feed ended with ${code}\n${feed.log}`);
      const all = () => (counted >= sent ? performance.now() : undefined);
      const done = await eventually(all, {
        what: "all events in results",
        withinMs: WITHIN_MS,
        detail: () => worker.log,
      });
      if (counted !== sent) throw new Error(`${counted} events are in the results of ${sent}`);
      const { code: ended } = await worker.stop(WITHIN_MS);
      if (ended !== 0) throw new Error(`the job ended with ${ended}\n${worker.log}`);
      return { sent, seconds: (done - start) / 1000, parts };
    } finally {
      await feed.stop();
      await worker.stop();
      await reader.close();
    }
  });
}

/** CPU time since its start, and memory. */
function used(pid: number): { cpuSeconds: number; rssBytes: number } {
  const of = (file: string) => readFileSync(`/proc/${pid}/${file}`, "utf8");
  return { cpuSeconds: cpuSeconds(of("stat")), rssBytes: rssBytes(of("status")) ?? 0 };
}
