import t from "tap";
import { loadRdkafka } from "./rdkafka.js";
import { openTopicReader } from "./topic-reader.js";
import { openTopicWriter } from "./topic-writer.js";

/** Nobody listens there. */
const NOWHERE = { "bootstrap.servers": "127.0.0.1:1" };
const skip = (await loadRdkafka()) === undefined && "node-rdkafka is not installed";

t.test("of a cluster that does not answer it is told why", { skip }, async (t) => {
  const says = { message: /^the cluster does not answer: broker transport failure; check brokers, tls and sasl$/ };
  await Promise.all([
    t.rejects(openTopicReader(NOWHERE, "topic", "group"), says),
    t.rejects(openTopicWriter(NOWHERE), says),
  ]);
});
