import t, { type Test } from "tap";
import { conform } from "../conformance/conform.js";
import { ClickHouse } from "../harness/clickhouse.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import connector from "./clickhouse.js";

conform(t, connector);

const COUNT = 50_000;
const BAD = COUNT / 1000;

let servers: ClickHouse[];
t.before(async () => {
  servers = await Promise.all([ClickHouse.start(), ClickHouse.start()]);
  t.teardown(() => Promise.all(servers.map((server) => server.stop())));
});

async function start(t: Test, options: object = {}): Promise<Job> {
  const columns = "id Int64, key String, at DateTime, day Date";
  for (const server of servers) {
    await server.query("DROP TABLE IF EXISTS rows");
    await server.query(`CREATE TABLE rows (${columns}) ENGINE = MergeTree ORDER BY id`);
  }
  const [first] = servers as [ClickHouse, ClickHouse];
  const env = {
    SERVERS: servers.map(({ url }) => url).join(","),
    CLICKHOUSE_USER: first.user,
    CLICKHOUSE_PASSWORD: first.password,
    COUNT: String(COUNT),
    OPTIONS: JSON.stringify(options),
  };
  const job = Job.run("clickhouse.ts", { env });
  t.teardown(() => job.signal("SIGKILL"));
  return job;
}

const statusOf = (job: Job) => JSON.parse(String(job.stderr.trim().split("\n").at(-1)));

/** Ids, each once, and keys of every server. */
async function stored(): Promise<{ ids: number; keys: Set<string>[] }> {
  const all = new Set<string>();
  const keys = [];
  for (const server of servers) {
    for (const { id } of await server.query<{ id: string }>("SELECT DISTINCT id FROM rows")) all.add(id);
    const found = await server.query<{ key: string }>("SELECT DISTINCT key FROM rows");
    keys.push(new Set(found.map(({ key }) => key)));
  }
  return { ids: all.size, keys };
}

t.test("rows come to two servers by their key, and those that cannot be inserted are left out alone", async (t) => {
  const job = await start(t);
  t.equal((await job.exited()).code, 0, job.log);
  const { ids, keys } = await stored();
  t.equal(ids, COUNT - BAD);
  t.equal(statusOf(job).bad, BAD);
  const [here, there] = keys as [Set<string>, Set<string>];
  t.ok(here.size > 100 && there.size > 100, `${here.size} and ${there.size} keys`);
  t.strictSame(
    [...here].filter((key) => there.has(key)),
    [],
  );
  const [row] = await (servers[0] as ClickHouse).query(
    "SELECT min(toUnixTimestamp(at) - intDiv(id, 1000)) AS off FROM rows",
  );
  t.strictSame(row, { off: "0" }, "timestamps are read as such");
});

t.test("a server that is killed and comes back has every row", async (t) => {
  const job = await start(t, { concurrency: 1 });
  const [, killed] = servers as [ClickHouse, ClickHouse];
  const rows = async () => Number((await killed.query<{ n: string }>("SELECT count() AS n FROM rows"))[0]?.n);
  await eventually(async () => (await rows()) > 1000, { what: "rows", detail: () => job.log });
  await killed.kill();
  await eventually(() => job.running, { what: "the job goes on" });
  await killed.restart();
  t.equal((await job.exited()).code, 0, job.log);
  t.equal((await stored()).ids, COUNT - BAD);
});

t.test("a column that is added while rows come changes nothing, and one that goes ends the job", async (t) => {
  const [first] = servers as [ClickHouse, ClickHouse];
  const count = async () => Number((await first.query<{ n: string }>("SELECT count() AS n FROM rows"))[0]?.n);
  const job = await start(t, { concurrency: 1 });
  await eventually(async () => (await count()) > 1000, { what: "rows", detail: () => job.log });
  for (const server of servers) await server.query("ALTER TABLE rows ADD COLUMN extra String");
  t.equal((await job.exited()).code, 0, job.log);
  t.equal((await stored()).ids, COUNT - BAD);
  t.equal(statusOf(job).bad, BAD);

  const failing = await start(t, { concurrency: 1 });
  await eventually(async () => (await count()) > 1000, { what: "rows", detail: () => failing.log });
  for (const server of servers) await server.query("ALTER TABLE rows DROP COLUMN day");
  t.equal((await failing.exited()).code, 5, failing.log);
  t.match(failing.stderr, /clickhouse.*day.*Check table and columns/);
});

t.test("a table that is not there ends the job and is named", async (t) => {
  const job = await start(t, { table: "nowhere" });
  t.equal((await job.exited()).code, 5, job.log);
  t.match(job.stderr, /Code: 60, .*nowhere.*Check table and columns/);
});
