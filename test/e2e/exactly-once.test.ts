import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { Job } from "../harness/job.js";
import { Random } from "../harness/random.js";
import { trades } from "../harness/trades.js";
import { Feed } from "./feed.js";
import { uniqueName } from "./results.js";

const KILLS = Number(process.env.MILLRACE_TEST_KILLS ?? "10");
const EVENTS_A_KILL = 10_000;

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

for (const [backend, seed] of [
  ["rocksdb", 61],
  ["fs", 62],
] as const) {
  t.test(`${backend}, seed ${seed}: after ${KILLS} kills every window is there once, and whole`, async (t) => {
    const random = new Random(seed);
    const feed = new Feed(kafka, uniqueName("exactly-once"), trades({ seed, count: EVENTS_A_KILL * (KILLS + 1) }));
    await feed.create();
    const folder = t.testdir({});
    const env = { ...feed.env, BACKEND: backend, CHECKPOINTS: `file:${folder}/checkpoints`, STATE: `${folder}/state` };

    for (let kill = 0; kill < KILLS; kill++) {
      const job = Job.run("windows.ts", { env });
      t.teardown(() => job.signal("SIGKILL"));
      await Promise.all([feed.progress(job, 1 + random.below(150)), feed.send(1 / (KILLS + 1))]);
      job.signal("SIGKILL");
      await job.exited();
    }
    const job = Job.run("windows.ts", { env });
    t.teardown(() => job.signal("SIGKILL"));
    await feed.finish();
    await feed.complete(job);
    t.equal((await job.stop()).code, 0, job.log);

    t.strictSame(await feed.differences(), []);
  });
}
