import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { Job } from "../harness/job.js";
import { windowed } from "../harness/model.js";
import { record, trades } from "../harness/trades.js";
import { differences, readResults, uniqueName } from "./results.js";

t.test("a bounded job reads a topic, writes its windows and ends", async (t) => {
  const kafka = new KafkaClient(await sharedBrokers(t));
  const name = uniqueName("round-trip");
  const topics = { INPUT: `${name}-in`, TUMBLING: `${name}-tumbling`, HOPPING: `${name}-hopping` };
  for (const topic of Object.values(topics)) await kafka.createTopic(topic, 3);
  const events = trades({ seed: 1, count: 5000 });
  await kafka.produce(topics.INPUT, events.map(record));

  const job = Job.run("windows.ts", { env: { ...topics, JOB: name, BROKERS: kafka.brokers, UNTIL: "latest" } });
  const { code } = await job.exited();

  t.equal(code, 0, job.log);
  const found = await readResults(kafka, topics.TUMBLING);
  t.strictSame(differences(found, windowed(events, { sizeMs: 5000, slideMs: 5000 })), []);
});
