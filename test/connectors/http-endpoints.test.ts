import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { eventually } from "../harness/eventually.js";
import { HttpEndpoint, type Reaction, type Taken } from "../harness/http-endpoint.js";
import { Job } from "../harness/job.js";

interface Row {
  readonly id: number;
  readonly key: string;
}

const COUNT = 60_000;

async function endpoints(t: Test, count: number): Promise<HttpEndpoint[]> {
  const started = await HttpEndpoint.start(count);
  t.teardown(() => Promise.all(started.map((endpoint) => endpoint.stop())));
  return started;
}

/** As whoever keeps the list does it: never in part. */
function write(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

const urls = (of: readonly HttpEndpoint[]) => JSON.stringify(of.map(({ url }) => url));

function run(t: Test, env: Record<string, string>, options: object = {}): Job {
  const job = Job.run("http.ts", { env: { COUNT: String(COUNT), OPTIONS: JSON.stringify(options), ...env } });
  t.teardown(() => job.signal("SIGKILL"));
  return job;
}

const rowsOf = (endpoint: HttpEndpoint) => endpoint.rows.map((line) => JSON.parse(line) as Row);
const total = (of: readonly HttpEndpoint[]) => of.reduce((sum, { rowCount }) => sum + rowCount, 0);

function missing(of: readonly HttpEndpoint[]): number[] {
  const seen = new Set(of.flatMap(rowsOf).map(({ id }) => id));
  return Array.from({ length: COUNT }, (_, id) => id).filter((id) => !seen.has(id));
}

/** Each key with the endpoints that have rows of it. */
function places(of: readonly HttpEndpoint[]): number[][] {
  const all = new Map<string, Set<number>>();
  for (const [place, endpoint] of of.entries()) {
    for (const { key } of rowsOf(endpoint)) all.set(key, (all.get(key) ?? new Set()).add(place));
  }
  return [...all.values()].map((places) => [...places]);
}

t.test("an endpoint that is added under load takes a quarter of the keys, and no other key moves", async (t) => {
  const to = await endpoints(t, 4);
  const file = join(t.testdir({ list: urls(to.slice(0, 3)) }), "list");
  const job = run(t, { ENDPOINTS_FILE: file, RATE: "10000" });
  await eventually(() => total(to) > 0.3 * COUNT, { what: "rows", detail: () => job.log });
  write(file, urls(to));
  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(missing(to), []);
  t.equal(total(to), COUNT, "each of them once");
  const keys = places(to);
  const moved = keys.filter((places) => places.length > 1);
  t.ok(
    moved.every((places) => places.includes(3)),
    "they move to the new one",
  );
  const share = keys.filter((places) => places.includes(3)).length / keys.length;
  t.ok(share > 0.2 && share < 0.3, `${share} of the keys`);
});

t.test("an endpoint that is taken away while it is dead gets what it was sent when it comes back", async (t) => {
  const to = await endpoints(t, 4);
  const [first, ...others] = to as [HttpEndpoint, ...HttpEndpoint[]];
  const file = join(t.testdir({ list: urls(to) }), "list");
  const job = run(t, { ENDPOINTS_FILE: file, RATE: "10000" });
  await eventually(() => total(to) > 0.2 * COUNT, { what: "rows", detail: () => job.log });
  await first.stop();
  const before = total(others);
  await eventually(() => total(others) > before + 0.1 * COUNT, { what: "rows elsewhere", detail: () => job.log });
  write(file, urls(others));
  const ids = (of: readonly HttpEndpoint[]) => new Set(of.flatMap(rowsOf).map(({ id }) => id));
  await eventually(() => Math.max(...ids(others)) > COUNT - 100, { what: "the last rows", detail: () => job.log });
  await first.start();
  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(missing(to), []);
});

t.test("a list that is none is told, and the endpoints stay", async (t) => {
  const to = await endpoints(t, 2);
  const file = join(t.testdir({ list: urls(to) }), "list");
  const job = run(t, { ENDPOINTS_FILE: file, RATE: "20000" });
  await eventually(() => total(to) > 0, { what: "rows", detail: () => job.log });
  write(file, '{"url": "http://localhost"}');
  await eventually(() => /is not a list of URLs.*stay as they were/.test(job.stderr), { what: "a warning" });
  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(missing(to), []);
  const none = run(t, { ENDPOINTS_FILE: `${file}.none` });
  t.equal((await none.exited()).code, 5, none.log);
  t.match(none.stderr, /HTTP sink: ENOENT/);
});

t.test("hedged requests bring in what an endpoint that hangs now and then has got", async (t) => {
  const to = await endpoints(t, 2);
  const seen = new Set<unknown>();
  const react = ({ headers }: Taken, n: number): Reaction => {
    const isFirst = !seen.has(headers["idempotency-key"]);
    seen.add(headers["idempotency-key"]);
    return isFirst && n % 10 === 3 ? "hang" : "take";
  };
  for (const endpoint of to) endpoint.react = react;
  const hedge = { after: "100ms", share: 0.9, idempotent: true };
  const env = { ENDPOINTS: to.map(({ url }) => url).join(",") };
  const job = run(t, env, { hedge, timeout: { response: "1h" } });
  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(missing(to), []);
  const { endpoints: figures } = JSON.parse(String(job.stderr.trim().split("\n").at(-1)));
  for (const { hedgesWon, retries } of figures) t.ok(hedgesWon > 0 && retries === 0, JSON.stringify(figures));
});
