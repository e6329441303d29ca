import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { eventually } from "../harness/eventually.js";
import { HttpEndpoint, type Reaction, type Taken } from "../harness/http-endpoint.js";
import { Job } from "../harness/job.js";
import { parquetRows } from "../harness/lake.js";

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

/** Rows as JSON has them; read by hyparquet, which takes nothing but a whole file. */
const rowsOfParquet = async (body: Buffer) =>
  (await parquetRows(body)).map((row) => JSON.stringify({ ...row, id: Number(row.id) }));

async function parquetEndpoints(t: Test): Promise<HttpEndpoint[]> {
  const to = await endpoints(t, 2);
  for (const endpoint of to) endpoint.read = rowsOfParquet;
  return to;
}

t.test(
  "a body of Parquet is a file of its rows, and refused rows are taken out of it and become dead letters",
  async (t) => {
    const to = await parquetEndpoints(t);
    const isPoison = (id: number) => id % 5000 === 7;
    const seen = new Map<unknown, string>();
    const changed: unknown[] = [];
    for (const endpoint of to) {
      endpoint.react = ({ headers, rows }, n) => {
        const [key, text] = [headers["idempotency-key"], rows.join()];
        if ((seen.get(key) ?? text) !== text) changed.push(key);
        seen.set(key, text);
        if (n % 7 === 3) return { status: 503 };
        return rows.some((row) => isPoison(JSON.parse(row).id)) ? { status: 422, text: "unlucky" } : "take";
      };
    }
    const dead = join(t.testdir({}), "dead");
    const env = { ENDPOINTS: to.map(({ url }) => url).join(), PARQUET: "snappy", DEAD: dead };
    const job = run(t, env, { breaker: { failures: 0 } });
    t.equal((await job.exited()).code, 0, job.log);
    const poison = Array.from({ length: COUNT / 5000 }, (_, n) => n * 5000 + 7);
    t.strictSame(missing(to), poison);
    t.equal(total(to), COUNT - poison.length, "each of the others once");
    t.strictSame(changed, [], "a request that is sent again has the same rows and the same key");
    const taken = to.flatMap(({ taken }) => taken);
    t.ok(taken.every(({ headers, rows }) => headers["content-type"] === TYPE && rows.length <= 500));
    t.ok(places(to).every((places) => places.length === 1));
    const lines = readdirSync(dead).flatMap((file) => readFileSync(join(dead, file), "utf8").trim().split("\n"));
    const values = lines.map((line) => rowsOfParquet(Buffer.from(JSON.parse(line).value, "base64")));
    const refused = (await Promise.all(values)).flat().map((row) => (JSON.parse(row) as Row).id);
    t.strictSame(
      refused.sort((a, b) => a - b),
      poison,
      "a file with one row each",
    );
    const { bad, events } = JSON.parse(String(job.stderr.trim().split("\n").at(-1)));
    t.strictSame([bad, events], [poison.length, COUNT]);
  },
);

const TYPE = "application/vnd.apache.parquet";

t.test("Parquet is complete by bytes, and is compressed as a body or in its inside, and not twice", async (t) => {
  const to = await parquetEndpoints(t);
  const env = { ENDPOINTS: to.map(({ url }) => url).join(), COUNT: "5000" };
  const options = { compression: "gzip", batch: { bytes: "4KB" } };
  const job = run(t, { ...env, PARQUET: "none" }, options);
  t.equal((await job.exited()).code, 0, job.log);
  const taken = to.flatMap(({ taken }) => taken);
  t.equal(total(to), 5000);
  t.ok(taken.every(({ headers, rows }) => headers["content-encoding"] === "gzip" && rows.length < 300));
  const twice = run(t, { ...env, PARQUET: "snappy" }, options);
  t.not((await twice.exited()).code, 0);
  t.match(
    twice.stderr,
    /a body of parquet would be compressed twice: leave out the sink's compression, or the format's/,
  );
});

t.test("without dead letters a row of Parquet that is refused ends the job, and its bytes are not shown", async (t) => {
  const to = await parquetEndpoints(t);
  for (const endpoint of to) endpoint.react = () => ({ status: 422, text: "unlucky" });
  const job = run(t, { ENDPOINTS: to.map(({ url }) => url).join(), COUNT: "10", PARQUET: "none" });
  t.equal((await job.exited()).code, 3, job.log);
  t.match(
    job.stderr,
    /refused the row of \d+ bytes that are no text: status 422: unlucky\. Correct it, or set onBadRecord/,
  );
});
