import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { CassandraServer } from "../harness/cassandra.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { lines, ROW } from "./cassandra-rows.js";

/** Longer than rows take over the node that is well. */
const TIMEOUT_MS = 120_000;

t.test("with speculative executions a node that stands still holds back no row", async (t) => {
  const first = await CassandraServer.start();
  t.teardown(() => first.stop());
  const second = await first.neighbour("127.0.0.2");
  t.teardown(() => second.stop());
  const nodes = async () => (await first.query("SELECT peer FROM system.peers")).length + 1;
  await eventually(async () => (await nodes()) === 2, {
    what: "two nodes",
    withinMs: 60_000,
    detail: () => second.log,
  });
  await first.query("CREATE KEYSPACE both WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}");
  await first.query(`CREATE TABLE both.t (${ROW})`);
  const count = async () => Number((await first.query<{ n: bigint }>("SELECT count(*) AS n FROM both.t"))[0]?.n);

  const input = join(t.testdir({ "in.jsonl": lines(0, 1000) }), "in.jsonl");
  const at = { keyspace: "both", consistency: "LOCAL_ONE", timeout: `${TIMEOUT_MS}ms`, speculative: { delay: "50ms" } };
  const env = { CASSANDRA: first.address, JOB: "write", TABLE: "t", INPUT: input, FOLLOW: "yes" };
  const job = Job.run("cassandra.ts", { env: { ...env, AT: JSON.stringify(at) } });
  t.teardown(() => job.signal("SIGKILL"));
  const come = (rows: number) =>
    eventually(async () => !job.running || (await count()) === rows, {
      what: `${rows} rows`,
      withinMs: TIMEOUT_MS / 2,
      detail: () => job.log,
    });
  await come(1000);
  second.pause();
  await writeFile(input, lines(1000, 1000), { flag: "a" });
  await come(2000);
  second.resume();
  t.ok(job.running, job.log);
});
