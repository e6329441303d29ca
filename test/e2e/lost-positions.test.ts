import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { Job } from "../harness/job.js";
import { record, START } from "../harness/trades.js";
import { uniqueName } from "./results.js";

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

t.test("a checkpoint whose positions are not in Kafka is no reason to begin anew", async (t) => {
  const name = uniqueName("lost-positions");
  const topics = { INPUT: `${name}-in`, OUTPUT: `${name}-out` };
  // As it is for a group that was deleted, or on another cluster.
  const elsewhere = `${name}-elsewhere`;
  for (const topic of [...Object.values(topics), elsewhere]) await kafka.createTopic(topic, 1);
  const folder = t.testdir({});
  const env = {
    ...topics,
    JOB: name,
    BROKERS: kafka.brokers,
    UNTIL: "latest",
    CHECKPOINTS: `file:${folder}/checkpoints`,
    STATE: `${folder}/state`,
  };
  const run = async (more: Record<string, string>, args: string[] = []) => {
    const job = Job.run("deduplicate.ts", { env: { ...env, ...more }, args });
    return { code: (await job.exited()).code, log: job.log };
  };
  for (const account of ["first", "second"]) {
    await kafka.produce(topics.INPUT, [record({ partition: 0, account, price: 1, venue: "north", at: START })]);
    const { code, log } = await run({});
    t.equal(code, 0, log);
  }

  const { code, log } = await run({ INPUT: elsewhere });
  t.equal(code, 7, log);
  t.match(log, /the consumer group has no committed positions, but the storage has checkpoint \d+/);
  t.match(log, "Start from a savepoint, or from nothing with --fresh.");
  t.equal((await run({ INPUT: elsewhere }, ["--fresh"])).code, 0);
});
