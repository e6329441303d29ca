import { join } from "node:path";
import { job, json, kafka, SinkError, SourceError, schema, t as types } from "millrace";
import t from "tap";
import { KafkaLag } from "./kafka-lag.js";
import { prepareTopics } from "./kafka-topics.js";
import { Run } from "./run.js";
import { secretOf } from "./secrets.js";

const Row = schema({ id: types.int64() });
const sasl = (file: string) => ({ mechanism: "PLAIN", username: "me", password: { file } }) as const;

t.test("a secret is given as it is, or read from its file at each time", async (t) => {
  const folder = t.testdir({ password: "first\n" });
  const file = join(folder, "password");
  const owner = { name: "kafka(in)", step: { kind: "source" } };
  t.equal(secretOf("plain", "sasl.password", owner), "plain");
  t.equal(secretOf({ file }, "sasl.password", owner), "first");
  t.testdir({ password: "second" });
  t.equal(secretOf({ file }, "sasl.password", owner), "second");
});

t.test("a file that is not there names the step, the secret, and what to do", async (t) => {
  const file = join(t.testdir({}), "nowhere");
  const message =
    "sasl.password: the file of a secret cannot be read " +
    `(ENOENT: no such file or directory, open '${file}'): write it, or correct its path`;
  const cluster = { brokers: "127.0.0.1:1" };
  const copying = (from: object, to: object) =>
    job("copy", (j) =>
      j
        .source(kafka({ ...cluster, ...from, topic: "in", format: json(Row) }))
        .to(kafka({ ...cluster, ...to, topic: "out", format: json() })),
    );
  const [source, sink] = [copying({ sasl: sasl(file) }, {}), copying({}, { sasl: sasl(file) })];
  t.throws(() => new Run(source, "copy.ts"), new SourceError(message, "kafka(in)"));
  t.throws(() => new Run(sink, "copy.ts"), new SinkError(message, "kafka(out)"));
  await t.rejects(prepareTopics(source, {}), new SourceError(message, "kafka(in)"));
  t.equal(await new KafkaLag(source).look(), undefined, "the lag is not known then");
});
