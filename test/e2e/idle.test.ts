import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { record, START } from "../harness/trades.js";
import { uniqueName } from "./results.js";

const MEASURED_MS = 10_000;
// The aim is 0.01; other work on the machine makes even an idle process dearer.
const MOST_SHARE_OF_A_CORE = 0.03;

t.test("a connected job without events uses almost no CPU", async (t) => {
  const kafka = new KafkaClient(await sharedBrokers(t));
  const name = uniqueName("idle");
  const topics = { INPUT: `${name}-in`, TUMBLING: `${name}-tumbling`, HOPPING: `${name}-hopping` };
  for (const topic of Object.values(topics)) await kafka.createTopic(topic, 3);
  const trade = { partition: 0, account: "a", price: 1, venue: "north", at: START };
  await kafka.produce(topics.INPUT, [record(trade)]);

  const job = Job.run("windows.ts", { env: { ...topics, JOB: name, BROKERS: kafka.brokers } });
  t.teardown(() => job.signal("SIGKILL"));
  await eventually(async () => (await kafka.committed(name, topics.INPUT)).size > 0, {
    what: "the first commit",
    detail: () => job.log,
  });
  const [startCpu, start] = [job.cpuSeconds, performance.now()];
  await eventually(() => performance.now() - start > MEASURED_MS, { what: "end of the measurement" });
  const share = (job.cpuSeconds - startCpu) / ((performance.now() - start) / 1000);

  t.comment(`${(share * 100).toFixed(2)} % of a core`);
  t.ok(share < MOST_SHARE_OF_A_CORE, `${share} of a core`);
  t.equal((await job.stop()).code, 0, job.log);
});
