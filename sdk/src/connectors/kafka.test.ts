import { ByteBuffer } from "flatbuffers";
import t from "tap";
import { explain } from "../explain/explain.js";
import { avro } from "../formats/avro.js";
import {
  type KafkaSinkT,
  type KafkaSourceT,
  Job as PlanJob,
  type SinkT,
  type SourceT,
} from "../generated/millrace/plan.js";
import { schema, t as type } from "../schema/schema.js";
import { type Job, job } from "../stream/job.js";
import { deadLetter } from "./connector.js";
import { type KafkaConnection, kafka } from "./kafka.js";
import type { Secret } from "./secret.js";

const HIDDEN = "hunter2";
const Row = schema({ id: type.int64() });
const registry = { url: "http://r:8081", username: "me", password: HIDDEN, token: { file: "/run/token" } };

/** A job that has the secrets of a connection wherever one can be. */
const copying = (connection: Omit<KafkaConnection, "brokers">): Job => {
  const cluster = { brokers: "b:9092", ...connection };
  const dead = deadLetter(kafka({ ...cluster, topic: "dead", format: avro({ registry }) }));
  return job("copy", (j) =>
    j
      .source(kafka({ ...cluster, topic: "in", format: avro({ registry }, Row), onBadRecord: dead }))
      .to(kafka({ ...cluster, topic: "out", format: avro({ registry }) })),
  );
};

function planOf(plan: Uint8Array) {
  const { operators } = PlanJob.getRootAsJob(new ByteBuffer(plan)).unpack();
  const [source, sink] = operators.map(({ kind }) => kind) as [SourceT, SinkT];
  const of = (all: readonly { readonly key: unknown; readonly value: unknown }[] | undefined) =>
    Object.fromEntries((all ?? []).map(({ key, value }) => [key, value]));
  const both = ({ connector, format }: SourceT | SinkT) => ({
    ...of((connector as KafkaSourceT | KafkaSinkT).properties),
    ...of(format?.registry?.properties),
  });
  return [source, source.deadLetter, sink].flatMap((end) => (end === null ? [] : [both(end)]));
}

const connections: [string, Omit<KafkaConnection, "brokers">][] = [
  ["as options", { sasl: { mechanism: "PLAIN", username: "me", password: HIDDEN } }],
  [
    "in librdkafka's words",
    { properties: { "sasl.password": HIDDEN, "ssl.key.password": HIDDEN, "ssl.key.pem": HIDDEN } },
  ],
  ["from a file", { sasl: { mechanism: "PLAIN", username: "me", password: { file: "/run/kafka" } } }],
];
for (const [how, connection] of connections) {
  t.test(`neither explain nor the plan holds secrets that are given ${how}`, async (t) => {
    const made = copying(connection);
    t.notMatch(explain(made), HIDDEN);
    t.notMatch(Buffer.from(made.toPlan()).toString(), HIDDEN);
    // As JSON, too.
    t.notMatch(JSON.stringify(planOf(made.toPlan())), HIDDEN);
  });
}

t.test("the plan names secrets, and has their texts where it is to", async (t) => {
  const made = copying({
    sasl: { mechanism: "PLAIN", username: "me", password: { file: "/run/kafka" } },
    properties: { "ssl.key.password": HIDDEN, "ssl.key.location": { file: "/run/where" } },
  });
  const named = {
    "sasl.username": "me",
    "sasl.password": "(secret in /run/kafka)",
    "ssl.key.password": "(secret)",
    "ssl.key.location": "(secret in /run/where)",
    username: "me",
    password: "(secret)",
    token: "(secret in /run/token)",
  };
  for (const properties of planOf(made.toPlan())) t.match(properties, named);
  const asked = new Set<string>();
  const readSecret = (secret: Secret, name: string, { id }: { readonly id: string }) => {
    asked.add(`${id} ${name}`);
    return typeof secret === "string" ? secret : `what is in ${secret.file}`;
  };
  const texts = {
    "sasl.password": "what is in /run/kafka",
    "ssl.key.password": HIDDEN,
    password: HIDDEN,
    token: "what is in /run/token",
  };
  for (const properties of planOf(made.toPlan({ readSecret }))) t.match(properties, texts);
  t.ok(asked.has("source-1 sasl.password") && asked.has("sink-1 token"), [...asked].join(", "));
});

t.test("what is no secret is shown as it is", async (t) => {
  const shown = { "fetch.wait.max.ms": 5, "enable.ssl.certificate.verification": true };
  const [source] = planOf(copying({ properties: shown }).toPlan());
  t.match(source, { "bootstrap.servers": "b:9092", "group.id": "copy", "fetch.wait.max.ms": "5" });
  t.match(source, { "enable.ssl.certificate.verification": "true" });
});
