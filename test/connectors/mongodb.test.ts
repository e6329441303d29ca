import t, { type Test } from "tap";
import { uniqueName } from "../e2e/results.js";
import { Job } from "../harness/job.js";
import { MongoServer } from "../harness/mongodb.js";

let server: MongoServer;
t.before(async () => {
  server = await MongoServer.start();
  t.teardown(() => server.stop());
});

interface Row {
  readonly _id: bigint;
  readonly key: string;
}

const rowsIn = (collection: string) =>
  server.client.db("test").collection<Row>(collection).find().sort({ _id: 1 }).toArray();

function write(t: Test, collection: string, env: Record<string, string>, options: object = {}): Job {
  const all = { URL: server.url, COLLECTION: collection, OPTIONS: JSON.stringify(options), ...env };
  const job = Job.run("mongodb-sink.ts", { env: all });
  t.teardown(() => job.signal("SIGKILL"));
  return job;
}

t.test("each row is a document, and those that are to go are not there", async (t) => {
  const collection = uniqueName("rows");
  const job = write(t, collection, { COUNT: "20000" }, { deleteWhere: "gone" });
  t.equal((await job.exited()).code, 0, job.log);
  const rows = await rowsIn(collection);
  t.equal(rows.length, 18_000);
  t.match(rows[0], { _id: 0n, key: /^\d+$/ });
});
