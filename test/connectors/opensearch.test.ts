import { join } from "node:path";
import t, { type Test } from "tap";
import { conform } from "../conformance/conform.js";
import { Job } from "../harness/job.js";
import { OpenSearch } from "../harness/opensearch.js";
import connector from "./opensearch.js";
import { isPoison, letters } from "./series.js";

conform(t, connector);

const COUNT = 5000;

interface Document {
  readonly id: number;
  readonly amount: string;
}

async function started(t: Test): Promise<OpenSearch> {
  const server = await OpenSearch.start();
  t.teardown(() => server.stop());
  const properties = { id: { type: "long" }, amount: { type: "long" } };
  await server.call("PUT", "/rows", { settings: { number_of_replicas: 0 }, mappings: { properties } });
  return server;
}

function run(t: Test, server: OpenSearch, env: Record<string, string> = {}): Job {
  const job = Job.run("opensearch.ts", { env: { URL: server.url, COUNT: String(COUNT), ...env } });
  t.teardown(() => job.signal("SIGKILL"));
  return job;
}

const documents = (server: OpenSearch) => server.documents<Document>("rows");

async function wrong(server: OpenSearch): Promise<string[]> {
  const found = await documents(server);
  const lines: string[] = [];
  for (let id = 0; id < COUNT; id++)
    if (found.has(String(id)) === isPoison(id)) lines.push(`row ${id} is ${isPoison(id) ? "there" : "missing"}`);
  return lines.slice(0, 10);
}

t.test("documents arrive under their ids, and those that do not fit the mapping are dead letters", async (t) => {
  const server = await started(t);
  const dead = join(t.testdir({}), "dead");
  const job = run(t, server, { DEAD: dead });
  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(await wrong(server), []);
  const found = await letters(dead);
  t.strictSame(
    found.map(({ value }) => (JSON.parse(value) as Document).id).sort((a, b) => a - b),
    Array.from({ length: COUNT / 1000 }, (_, n) => n * 1000 + 7),
  );
  t.match(found[0]?.reason, /mapper_parsing_exception|failed to parse/);
});

t.test("a version that is overtaken counts as written and changes nothing", async (t) => {
  const server = await started(t);
  const newer = { id: 5, amount: "-1" };
  await server.call("PUT", "/rows/_doc/5?version=1000000&version_type=external", newer);
  const job = run(t, server, { OPTIONS: JSON.stringify({ onBadRecord: "skip" }) });
  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(await wrong(server), []);
  t.strictSame((await documents(server)).get("5"), newer);
});
