import { KafkaClient } from "../../test/harness/client.js";
import { eventually } from "../../test/harness/eventually.js";
import { Child } from "../../test/harness/process.js";
import { interleave } from "./interleave.js";
import { reading } from "./live.js";
import { grid, median, type Report } from "./report.js";
import { inFolder } from "./run-job.js";
import { commandOf, millraces } from "./throughput/contender.js";
import { type Query, THROUGHPUT } from "./throughput/queries.js";
import { filled } from "./throughput/throughput.js";

const PARTITIONS = 2;
const EVENTS = 1000;
const WITHIN_MS = 30_000;

/** How long it takes from the start of a worker until its first result can be read, where input lies ready. */
export async function firstResult(
  brokers: string,
  { parallelism, runs }: { readonly parallelism: number; readonly runs: number },
  say: (text: string) => void,
): Promise<Report> {
  const topic = await filled(brokers, THROUGHPUT.w as Query, EVENTS, say);
  const contenders = (["stateless", "w"] as const).flatMap((name) => {
    const { title, asked, job } = THROUGHPUT[name] as Query;
    return millraces(job, "at-least-once").map((contender): [string, (turn: number) => Promise<number>] => [
      `${contender.name}: ${title}`,
      (turn) =>
        inFolder(async (folder) => {
          const output = `${topic.input}-${name}-${contender.name.length}-${turn}`;
          await new KafkaClient(brokers).createTopic(output, PARTITIONS);
          let first: number | undefined;
          const reader = await reading(brokers, output, PARTITIONS, () => {
            first ??= performance.now();
          });
          const task = { query: asked, ...topic, output, folder, parallelism, bounded: true };
          const command = commandOf(contender, task);
          const start = performance.now();
          const job = new Child(command);
          const read = { what: "a result", withinMs: WITHIN_MS, detail: () => job.log };
          const at = await eventually(() => first, read);
          await job.exited();
          await reader.close();
          return at - start;
        }),
    ]);
  });
  const done = await interleave(Object.fromEntries(contenders), runs, say);
  const results = [...done].map(([name, each]) => ({ name, medianMs: median(each), eachMs: each }));
  const ms = (value: number) => `${(value / 1000).toFixed(2)} s`;
  const rows = results.map(({ name, medianMs, eachMs }) => [
    name,
    ms(medianMs),
    `${ms(Math.min(...eachMs))}–${ms(Math.max(...eachMs))}`,
  ]);
  return { figures: { parallelism, runs, results }, table: grid(["start to first result", "median", "from–to"], rows) };
}
