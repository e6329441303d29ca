import { createHmac } from "node:crypto";
import { join } from "node:path";
import t from "tap";
import { HttpEndpoint } from "../harness/http-endpoint.js";
import { Job } from "../harness/job.js";

const COUNT = 200;
const SECRET = Buffer.from("the bytes of a secret");

t.test("each row comes once, by itself and signed, though some requests fail at first", async (t) => {
  const [endpoint] = (await HttpEndpoint.start(1)) as [HttpEndpoint];
  t.teardown(() => endpoint.stop());
  endpoint.react = (_, n) => (n % 10 === 3 ? { status: 503 } : "take");
  const folder = t.testdir({ secret: `whsec_${SECRET.toString("base64")}\n` });
  const env = { COUNT: String(COUNT), URL: endpoint.url, SECRET_FILE: join(folder, "secret") };
  const job = Job.run("webhook.ts", { env });
  t.teardown(() => job.signal("SIGKILL"));
  t.equal((await job.exited()).code, 0, job.log);
  t.ok(endpoint.taken.every(({ rows }) => rows.length === 1));
  const ids = endpoint.rows.map((row) => JSON.parse(row).id as number).sort((a, b) => a - b);
  t.strictSame(
    ids,
    Array.from({ length: COUNT }, (_, id) => id),
  );
  t.equal(new Set(endpoint.taken.map(({ headers }) => headers["webhook-id"])).size, COUNT);
  for (const { headers, rows } of endpoint.taken.slice(0, 20)) {
    const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${rows[0]}\n`;
    t.equal(headers["webhook-signature"], `v1,${createHmac("sha256", SECRET).update(signed).digest("base64")}`);
  }
  t.notMatch(job.log, /whsec/);
});
