// `npm run bench`: a query on what it needs, and its report. With --json, only a JSON object on standard output.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../../test/harness/paths.js";
import { compare } from "./compare.js";
import { type Arguments, QUERIES } from "./queries.js";
import type { Report } from "./report.js";

const { values } = parseArgs({
  options: {
    query: { type: "string", default: "w" },
    compare: { type: "string" },
    events: { type: "string" },
    keys: { type: "string", default: "10000000" },
    rounds: { type: "string", default: "3" },
    state: { type: "string", default: "1000MB" },
    times: { type: "string", default: "10" },
    rate: { type: "string", default: "40000" },
    seconds: { type: "string", default: "30" },
    minutes: { type: "string", default: "60" },
    share: { type: "string", default: "0.7" },
    interval: { type: "string" },
    checkpoints: { type: "string", default: "32" },
    parallelism: { type: "string", default: "2" },
    runs: { type: "string", default: "1" },
    guarantee: { type: "string", default: "at-least-once" },
    peers: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    readme: { type: "boolean", default: false },
  },
});

const query = QUERIES[values.query];
if (query === undefined)
  throw new Error(`there is no query "${values.query}"; there are ${Object.keys(QUERIES).join(", ")}`);
const say = (text: string) => void process.stderr.write(`${text}\n`);
if (values.compare === undefined) await report(values.query, await query(values as Arguments, say));
else {
  const { compare: ref, query, runs, events, parallelism, guarantee } = values;
  const args = [
    ...(events === undefined ? [] : ["--events", events]),
    "--parallelism",
    parallelism,
    "--guarantee",
    guarantee,
  ];
  await report(`${query}-compared`, await compare({ ref, query, runs: Number(runs), args }, say));
}

async function report(name: string, { figures, table, plot }: Report): Promise<void> {
  const machine = `${cpus()[0]?.model.trim() ?? "an unknown CPU"}, ${availableParallelism()} cores`;
  const summary = { query: values.query, machine, date: new Date().toISOString().slice(0, 10), ...figures };
  const folder = join(ROOT, "bench/results");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `query-${name}.json`), `${JSON.stringify(summary, null, 2)}\n`);
  if (plot !== undefined) await writeFile(join(folder, `query-${name}.svg`), plot);
  process.stdout.write(values.json ? `${JSON.stringify(summary)}\n` : `\n${table}\n`);
  if (values.readme) {
    const count = "events" in figures ? `${Number(figures.events).toLocaleString("en-US")} events, ` : "";
    await intoReadme(
      table,
      `${count}parallelism ${values.parallelism}, ${machine}, broker beside it, ${summary.date}.`,
    );
  }
}

/** Puts the table where the README has its place. */
async function intoReadme(text: string, caption: string): Promise<void> {
  const file = join(ROOT, "README.md");
  const block = `<!-- bench:begin -->\n${text}\n\n${caption}\n<!-- bench:end -->`;
  const readme = await readFile(file, "utf8");
  await writeFile(
    file,
    readme.replace(/<!-- bench:begin -->[\s\S]*<!-- bench:end -->/, () => block),
  );
}
