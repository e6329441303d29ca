import t from "tap";
import { sharedBrokers } from "./broker.js";
import { KafkaClient } from "./client.js";
import { KafkaBroker } from "./kafka.js";

t.test("what is produced is read back, by partition and in order", async (t) => {
  const kafka = new KafkaClient(await sharedBrokers(t));
  const topic = `harness-${process.pid}`;
  await kafka.createTopic(topic, 2);
  await kafka.produce(topic, [
    { partition: 0, value: "a", key: "k", timestamp: 1000 },
    { partition: 1, value: null, key: "tombstone" },
    { partition: 0, value: Buffer.from([0xff]) },
  ]);

  const messages = await kafka.read(topic);

  t.equal(await kafka.size(topic), 3);
  const first = messages.filter(({ partition }) => partition === 0);
  t.same(
    first.map(({ value }) => value),
    [Buffer.from("a"), Buffer.from([0xff])],
  );
  t.match(first[0], { key: "k", timestamp: 1000 });
  t.match(
    messages.find(({ partition }) => partition === 1),
    { key: "tombstone", value: null },
  );
});

t.test("a broker that was killed comes back with its records", async (t) => {
  const broker = await KafkaBroker.start();
  t.teardown(() => broker.stop());
  const kafka = new KafkaClient(broker.brokers);
  await kafka.createTopic("kept", 1);
  await kafka.produce("kept", [{ partition: 0, value: "a" }]);

  await broker.restart("SIGKILL");

  t.equal(await kafka.size("kept"), 1);
});
