import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t, { type Test } from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { selfSigned } from "../harness/certificate.js";
import { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { HttpEndpoint } from "../harness/http-endpoint.js";
import { Job } from "../harness/job.js";
import { uniqueName } from "./results.js";

interface Row {
  readonly id: number;
  readonly key: string;
}

const SHARDS = 4;

async function endpoints(t: Test, count = SHARDS): Promise<HttpEndpoint[]> {
  const started = await HttpEndpoint.start(count);
  t.teardown(() => Promise.all(started.map((endpoint) => endpoint.stop())));
  return started;
}

function run(t: Test, to: readonly HttpEndpoint[], env: Record<string, string>, options: object = {}): Job {
  const all = { ENDPOINTS: to.map(({ url }) => url).join(","), OPTIONS: JSON.stringify(options), ...env };
  const job = Job.run("http.ts", { env: all });
  t.teardown(() => job.signal("SIGKILL"));
  return job;
}

const rowsOf = (endpoint: HttpEndpoint) => endpoint.rows.map((line) => JSON.parse(line) as Row);

/** The ids that endpoints have; each call looks at what has come since the last. */
function idsOf(to: readonly HttpEndpoint[]): () => ReadonlySet<number> {
  const seen = new Set<number>();
  const looked = new Map<HttpEndpoint, number>();
  return () => {
    for (const endpoint of to) {
      const fresh = endpoint.taken.slice(looked.get(endpoint) ?? 0);
      for (const row of fresh.flatMap(({ rows }) => rows)) seen.add((JSON.parse(row) as Row).id);
      looked.set(endpoint, endpoint.taken.length);
    }
    return seen;
  };
}

/** What is wrong with what endpoints have: ids that are missing, keys that were at several of them. */
function wrong(to: readonly HttpEndpoint[], count: number, absent: (id: number) => boolean = () => false): string[] {
  const seen = new Set<number>();
  const places = new Map<string, number>();
  const lines: string[] = [];
  for (const [shard, endpoint] of to.entries()) {
    for (const { id, key } of rowsOf(endpoint)) {
      seen.add(id);
      const place = places.get(key) ?? shard;
      if (place !== shard) lines.push(`key ${key} is at ${place} and ${shard}`);
      places.set(key, shard);
    }
  }
  for (let id = 0; id < count; id++)
    if (seen.has(id) === absent(id)) lines.push(`row ${id} is ${absent(id) ? "there" : "missing"}`);
  return lines.slice(0, 20);
}

/** A number that looks random and is the same for the same request. */
const chance = (n: number) => ((n * 2654435761) % 1000) / 1000;

t.test("every row of a key comes to one endpoint, in requests that say who they are", async (t) => {
  const to = await endpoints(t);
  const job = run(t, to, { COUNT: "20000" }, { compression: "gzip", headers: { "x-api-key": "secret" } });
  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(wrong(to, 20_000), []);
  const requests = to.flatMap(({ taken }) => taken);
  t.match(requests[0]?.headers, {
    "content-type": "application/x-ndjson",
    "content-encoding": "gzip",
    "x-api-key": "secret",
    "idempotency-key": /^http\/sink-1\/[\w-]+\/[01]\/\d+\/\d+$/,
  });
  t.equal(new Set(requests.map(({ headers }) => headers["idempotency-key"])).size, requests.length);
  t.ok(to.every(({ taken }) => taken.length > 1));
  const { endpoints: figures } = JSON.parse(String(job.stderr.trim().split("\n").at(-1)));
  t.match(figures, [{ sink: "sink-1", endpoint: to[0]?.url, circuit: "closed", inFlight: 0, errors: 0 }]);
  t.equal(
    figures.reduce((sum: number, { rows }: { rows: number }) => sum + rows, 0),
    20_000,
  );
  t.notMatch(job.log, /"secret"/);
});

t.test("refusals for now, silence, halves of answers and a restart lose no row", async (t) => {
  const to = await endpoints(t);
  const [busy, silent, cut, killed] = to as [HttpEndpoint, HttpEndpoint, HttpEndpoint, HttpEndpoint];
  busy.react = (_, n) => {
    if (n >= 40) return "take";
    return chance(n) < 0.5 ? { status: 503 } : chance(n) < 0.7 ? { status: 429, retryAfter: "0.1" } : "take";
  };
  silent.react = (_, n) => (n % 7 === 3 ? "hang" : "take");
  cut.react = (_, n) => (n % 3 === 0 ? "cut" : "take");
  const job = run(t, to, { COUNT: "100000" });
  await eventually(() => killed.taken.length > 3, { what: "requests", detail: () => job.log });
  await killed.stop();
  await eventually(() => busy.requests > 20, { what: "requests elsewhere", detail: () => job.log });
  await killed.start();
  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(wrong(to, 100_000), []);
});

t.test("while one of four endpoints is dead the others get all of theirs", async (t) => {
  const to = await endpoints(t);
  const [dead, ...alive] = to as [HttpEndpoint, ...HttpEndpoint[]];
  await dead.stop();
  const count = 100_000;
  const job = run(t, to, { COUNT: String(count) });
  const taken = () => alive.reduce((sum, { rowCount }) => sum + rowCount, 0);
  await eventually(() => taken() > 0.4 * count, { what: "rows of the healthy endpoints", detail: () => job.log });
  const ids = idsOf(alive);
  // The last rows lie behind many a barrier that waits for the dead one.
  const isLast = (n: number) => ids().has(count - 1 - n);
  await eventually(() => Array.from({ length: 200 }, (_, n) => n).some(isLast), {
    what: "the last rows",
    detail: () => job.log,
  });
  t.ok(job.running, "it waits for the dead one");
  await dead.start();
  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(wrong(to, count), []);
});

t.test("a full buffer of a dead endpoint holds the job back, and nothing is lost when it comes back", async (t) => {
  const to = await endpoints(t, 2);
  const [dead, alive] = to as [HttpEndpoint, HttpEndpoint];
  await dead.stop();
  const job = run(t, to, { COUNT: "200000" }, { buffer: "100KB", batch: { rows: 500, bytes: "50KB", linger: "50ms" } });
  let last = -1;
  await eventually(
    () => {
      const now = alive.requests;
      const stands = now > 0 && now === last;
      last = now;
      return stands;
    },
    { what: "a standstill", detail: () => job.log },
  );
  t.ok(alive.rowCount < 150_000, `${alive.rowCount} rows`);
  await dead.start();
  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(wrong(to, 200_000), []);
});

const isPoison = (id: number) => id % 1000 === 7;

/** An endpoint that refuses a request for the sake of one row. */
function picky(endpoint: HttpEndpoint): void {
  endpoint.react = ({ rows }) =>
    rows.some((row) => isPoison(Number(JSON.parse(row).id))) ? { status: 422, text: "unlucky" } : "take";
}

t.test("rows that are refused go to the dead letters, and all others are taken", async (t) => {
  const to = await endpoints(t, 2);
  to.forEach(picky);
  const dead = join(t.testdir({}), "dead");
  const job = run(t, to, { COUNT: "10000", DEAD: dead });
  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(wrong(to, 10_000, isPoison), []);
  const lines = [];
  for (const file of await readdir(dead)) lines.push(...(await readFile(join(dead, file), "utf8")).trim().split("\n"));
  const letters = lines.map((line) => JSON.parse(line));
  const ids = letters.map(({ value }) => JSON.parse(Buffer.from(value, "base64").toString()).id as number);
  t.strictSame(
    ids.sort((a, b) => a - b),
    Array.from({ length: 10 }, (_, n) => n * 1000 + 7),
  );
  t.match(letters[0], { job: "http", reason: "status 422: unlucky", resource: /^http:\/\/127/ });
  t.match(JSON.parse(String(job.stderr.trim().split("\n").at(-1))), { bad: 10, events: 10_000 });
});

t.test("without dead letters a row that is refused ends the job and is named", async (t) => {
  const to = await endpoints(t, 1);
  to.forEach(picky);
  const job = run(t, to, { COUNT: "10000" });
  t.equal((await job.exited()).code, 3, job.log);
  t.match(job.stderr, /refused the row \{\\"id\\":\d*7,.*: status 422: unlucky\. Correct it, or set onBadRecord/);
});

t.test("over mutual TLS, a token that expires is read again from its file", async (t) => {
  const certificate = await selfSigned("127.0.0.1");
  const folder = t.testdir({ "cert.pem": certificate.certificate, "key.pem": certificate.key, token: "first" });
  const [endpoint] = (await HttpEndpoint.start(1, certificate)) as [HttpEndpoint];
  t.teardown(() => endpoint.stop());
  let valid = "first";
  endpoint.react = ({ headers }) => (headers.authorization === `Bearer ${valid}` ? "take" : { status: 401 });
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const tls = { ca: cert, certificate: cert, key };
  const auth = { bearer: { file: join(folder, "token") } };
  const job = run(t, [endpoint], { COUNT: "20000" }, { tls, auth, requestsPerSecond: 20 });
  await eventually(() => endpoint.taken.length > 3, { what: "requests", detail: () => job.log });
  valid = "second";
  const before = endpoint.requests;
  await eventually(() => endpoint.requests > before + 3, { what: "refusals", detail: () => job.log });
  await writeFile(join(folder, "token"), valid);
  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(wrong([endpoint], 20_000), []);
});

t.test("an endpoint that is not there for too long ends the job, and the error says which", async (t) => {
  const to = await endpoints(t, 1);
  await to[0]?.stop();
  const job = run(t, to, { COUNT: "1000" }, { retry: { delay: "20ms", maxDelay: "50ms", giveUpAfter: "500ms" } });
  t.equal((await job.exited()).code, 5, job.log);
  t.match(job.stderr, /HTTP sink: http:\/\/127[^ ]+ has not taken a request in \d s and \d+ attempts.*ECONNREFUSED/);
});

t.test("a worker that is killed again and again delivers every row of its topic", async (t) => {
  const kafka = new KafkaClient(await sharedBrokers(t));
  const name = uniqueName("http");
  await kafka.createTopic(name, 4);
  const count = 60_000;
  const row = (id: number) => ({ value: JSON.stringify({ id, key: `key-${id % 500}` }), partition: id % 4 });
  await kafka.produce(
    name,
    Array.from({ length: count }, (_, id) => row(id)),
  );
  const to = await endpoints(t);
  for (const endpoint of to) endpoint.react = (_, n) => (n % 11 === 5 ? { status: 503 } : "take");
  const folder = t.testdir({});
  const state = { CHECKPOINTS: join(folder, "checkpoints"), STATE: join(folder, "state") };
  const env = { INPUT: name, BROKERS: kafka.brokers, JOB: name, ...state };
  const total = () => to.reduce((sum, { rowCount }) => sum + rowCount, 0);
  const ids = idsOf(to);
  const limited = { requestsPerSecond: 20 };
  for (const share of [0.2, 0.5]) {
    const job = run(t, to, env, limited);
    await eventually(() => total() > share * count, { what: "rows", detail: () => job.log });
    job.signal("SIGKILL");
    await job.exited();
  }
  const job = run(t, to, env);
  await eventually(() => ids().size === count, {
    what: "all rows",
    detail: () => job.log,
  });
  t.equal((await job.stop()).code, 0, job.log);
  t.strictSame(wrong(to, count), []);
});
