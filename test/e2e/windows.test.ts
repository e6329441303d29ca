import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { windowed } from "../harness/model.js";
import { record, START, trades } from "../harness/trades.js";
import { differences, readResults, uniqueName } from "./results.js";

const TUMBLING = { sizeMs: 5000, slideMs: 5000 };
const HOPPING = { sizeMs: 6000, slideMs: 2000 };
const SEEDS = [11, 12, 13];
const PARALLELISMS = [1, 2, 4];

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

async function prepare(about: string) {
  const name = uniqueName(about);
  const topics = { INPUT: `${name}-in`, TUMBLING: `${name}-tumbling`, HOPPING: `${name}-hopping` };
  for (const topic of Object.values(topics)) await kafka.createTopic(topic, 3);
  return { topics, env: { ...topics, JOB: name, BROKERS: kafka.brokers } };
}

for (const seed of SEEDS) {
  const events = trades({ seed, count: 20_000, idleAfter: 0.4 });
  for (const parallelism of PARALLELISMS) {
    t.test(`seed ${seed}, parallelism ${parallelism}: the windows equal those of the model`, async (t) => {
      const { topics, env } = await prepare("windows");
      await kafka.produce(topics.INPUT, events.map(record));

      const job = Job.run("windows.ts", { env: { ...env, UNTIL: "latest", PARALLELISM: String(parallelism) } });
      const { code } = await job.exited();

      t.equal(code, 0, job.log);
      t.strictSame(differences(await readResults(kafka, topics.TUMBLING), windowed(events, TUMBLING)), []);
      t.strictSame(differences(await readResults(kafka, topics.HOPPING), windowed(events, HOPPING)), []);
    });
  }
}

// With two slots the silent partition shares its slot with one that goes on; with three it has a slot of its own.
for (const parallelism of [2, 3]) {
  t.test(
    `parallelism ${parallelism}: windows close while a partition is silent, once its idle timeout has passed`,
    async (t) => {
      const events = trades({ seed: 21, count: 10_000, idleAfter: 0.3 });
      const { topics, env } = await prepare("idle-partition");
      await kafka.produce(topics.INPUT, events.map(record));
      // They move the watermarks of the partitions that go on past the end of every window before.
      const closing = { account: "closing", price: 0, venue: "north", at: START + 10_000_000 };
      await kafka.produce(topics.INPUT, [record({ ...closing, partition: 0 }), record({ ...closing, partition: 1 })]);
      const tumbling = windowed(events, TUMBLING);
      const hopping = windowed(events, HOPPING);

      const job = Job.run("windows.ts", { env: { ...env, PARALLELISM: String(parallelism) } });
      t.teardown(() => job.stop());
      await eventually(
        async () =>
          (await kafka.size(topics.TUMBLING)) >= tumbling.size && (await kafka.size(topics.HOPPING)) >= hopping.size,
        { what: "every window", detail: () => job.log },
      );
      const { code } = await job.stop();

      t.equal(code, 0, job.log);
      t.strictSame(differences(await readResults(kafka, topics.TUMBLING), tumbling), []);
      t.strictSame(differences(await readResults(kafka, topics.HOPPING), hopping), []);
    },
  );
}
