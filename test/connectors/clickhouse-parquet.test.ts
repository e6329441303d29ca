import t from "tap";
import { Chdb } from "../harness/chdb.js";
import { Job } from "../harness/job.js";

const COUNT = 10_000;
const BAD = COUNT / 1000;

t.test("ClickHouse takes Parquet, and rows that it does not take are left out alone", async (t) => {
  const server = await Chdb.start();
  t.teardown(() => server.stop());
  const columns = "id Int64, key String, at DateTime, day Date";
  await server.query(`CREATE TABLE rows (${columns}) ENGINE = MergeTree ORDER BY id`);
  const run = (options: object) => {
    const env = { SERVERS: server.url, CLICKHOUSE_USER: "u", CLICKHOUSE_PASSWORD: "p", COUNT: String(COUNT) };
    const job = Job.run("clickhouse.ts", { env: { ...env, PARQUET: "none", OPTIONS: JSON.stringify(options) } });
    t.teardown(() => job.signal("SIGKILL"));
    return job;
  };
  const job = run({ timeout: { response: "60s" } });
  t.equal((await job.exited()).code, 0, job.log);
  const found = "count() AS rows, uniqExact(id) AS ids, min(toUnixTimestamp(at) - intDiv(id, 1000)) AS off";
  const [stored] = await server.query<Record<string, unknown>>(`SELECT ${found}, max(day) AS day FROM rows`);
  const numbers = [stored?.rows, stored?.ids, stored?.off].map(Number);
  t.strictSame([...numbers, stored?.day], [COUNT - BAD, COUNT - BAD, 0, "2026-01-01"]);
  t.equal(JSON.parse(String(job.stderr.trim().split("\n").at(-1))).bad, BAD);
  const nowhere = run({ table: "nowhere" });
  t.equal((await nowhere.exited()).code, 5, nowhere.log);
  t.match(nowhere.stderr, /Code: 60\. .*nowhere.*Check table and columns/);
});
