import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { Job } from "../harness/job.js";
import { Random } from "../harness/random.js";
import { trades } from "../harness/trades.js";
import { Feed } from "./feed.js";
import { killAtRandom } from "./kills.js";
import { uniqueName } from "./results.js";

const KILLS = 3;

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

t.test("after kills windows may be missing, but none is there in part or twice", async (t) => {
  const feed = new Feed(kafka, uniqueName("at-most-once"), trades({ seed: 81, count: 10_000 * (KILLS + 1) }));
  await feed.create();
  const folder = t.testdir({});
  const state = { CHECKPOINTS: `file:${folder}/checkpoints`, STATE: `${folder}/state` };
  const env = { ...feed.env, ...state, GUARANTEE: "at-most-once" };
  await killAtRandom(t, feed, { count: KILLS, random: new Random(81), env });
  await feed.send(1);
  const written = await feed.written();
  const job = Job.run("windows.ts", { env: { ...env, UNTIL: "latest" } });
  t.equal((await job.exited()).code, 0, job.log);

  t.ok((await feed.written()) > written, "what is held is written before the job ends");
  t.strictSame(
    (await feed.differences()).filter((line) => !line.endsWith(": missing")),
    [],
  );
});
