// `npm run bench`: Query W and its peers on a broker of its own. With --json, only a JSON object on standard output.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { KafkaBroker } from "../../test/harness/kafka.js";
import { ROOT } from "../../test/harness/paths.js";
import { type Guarantee, queryW } from "./query-w.js";
import { plot, type Result, ratios, table } from "./report.js";

const { values } = parseArgs({
  options: {
    query: { type: "string", default: "w" },
    events: { type: "string", default: "6000000" },
    parallelism: { type: "string", default: "2" },
    runs: { type: "string", default: "1" },
    guarantee: { type: "string", default: "at-least-once" },
    peers: { type: "boolean", default: true },
    json: { type: "boolean", default: false },
    readme: { type: "boolean", default: false },
  },
  allowNegative: true,
});

const QUERIES = { w: queryW };
const query = QUERIES[values.query as keyof typeof QUERIES];
if (query === undefined)
  throw new Error(`there is no query "${values.query}"; there are ${Object.keys(QUERIES).join(", ")}`);
if (values.guarantee !== "at-least-once" && values.guarantee !== "exactly-once")
  throw new Error(`there is no guarantee "${values.guarantee}"; there are at-least-once, exactly-once`);
const options = {
  guarantee: values.guarantee as Guarantee,
  events: Number(values.events),
  parallelism: Number(values.parallelism),
  runs: Number(values.runs),
  peers: values.peers,
};

const broker = await KafkaBroker.start();
try {
  const results = await query(broker.brokers, options, (text) => process.stderr.write(`${text}\n`));
  await report(results);
} finally {
  await broker.stop();
}

async function report(results: readonly Result[]): Promise<void> {
  const [millrace, ...others] = results as [Result, ...Result[]];
  const { name: _, ...figures } = millrace;
  const summary = { query: values.query, ...options, ...figures, ratios: ratios(millrace, others), results };
  const folder = join(ROOT, "bench/results");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `query-${values.query}.json`), `${JSON.stringify(summary, null, 2)}\n`);
  await writeFile(join(folder, `query-${values.query}.svg`), plot(results));
  process.stdout.write(values.json ? `${JSON.stringify(summary)}\n` : `\n${table(results)}\n`);
  if (values.readme) await intoReadme(table(results));
}

/** Puts the table where the README has its place. */
async function intoReadme(text: string): Promise<void> {
  const file = join(ROOT, "README.md");
  const machine = `${cpus()[0]?.model.trim() ?? "an unknown CPU"}, ${availableParallelism()} cores, broker beside it`;
  const caption = `${options.events.toLocaleString("en-US")} events, parallelism ${options.parallelism}, ${machine}, ${new Date().toISOString().slice(0, 10)}.`;
  const block = `<!-- bench:begin -->\n${text}\n\n${caption}\n<!-- bench:end -->`;
  const readme = await readFile(file, "utf8");
  await writeFile(
    file,
    readme.replace(/<!-- bench:begin -->[\s\S]*<!-- bench:end -->/, () => block),
  );
}
