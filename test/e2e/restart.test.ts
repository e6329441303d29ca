import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { Job } from "../harness/job.js";
import { Random } from "../harness/random.js";
import { trades } from "../harness/trades.js";
import { Feed, PARTITIONS } from "./feed.js";
import { survive } from "./kills.js";
import { uniqueName } from "./results.js";

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

for (const seed of [31, 32]) {
  t.test(`seed ${seed}: a job killed again and again loses no window and writes none in part`, async (t) => {
    const feed = new Feed(kafka, uniqueName("killed"), trades({ seed, count: 60_000 }));
    await feed.create();

    await survive(t, feed, { count: 5, random: new Random(seed), env: feed.env });

    t.strictSame(await feed.differences({ duplicates: true }), []);
  });
}

t.test("SIGTERM drains and commits; the next run goes on from there", async (t) => {
  const feed = new Feed(kafka, uniqueName("drained"), trades({ seed: 41, count: 40_000 }));
  await feed.create();
  const group = feed.env.JOB as string;

  const first = Job.run("windows.ts", { env: feed.env });
  t.teardown(() => first.signal("SIGKILL"));
  await feed.progress(first, 500, { share: 0.5 });
  t.equal((await first.stop()).code, 0, first.log);
  const committed = await kafka.committed(group, feed.topics.INPUT);
  t.strictSame([...committed.keys()].sort(), PARTITIONS);
  t.ok(
    [...committed.values()].every((offset) => offset > 0),
    `committed ${JSON.stringify([...committed])} ${first.log}`,
  );

  const second = Job.run("windows.ts", { env: feed.env });
  t.teardown(() => second.signal("SIGKILL"));
  await feed.finish();
  await feed.complete(second);
  t.equal((await second.stop()).code, 0, second.log);

  t.strictSame(await feed.differences({ duplicates: true }), []);
});
