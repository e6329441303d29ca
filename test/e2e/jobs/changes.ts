// Change events of JSON to a compacted topic, in JSON of a schema registry, and out of it again.
import { debezium, env, job, json, jsonSchema, kafka, schema, t, upsert } from "millrace";
import { brokers, until } from "./settings.js";

const Order = schema({ id: t.int64(), total: t.decimal(9, 2).nullable() });
const registry = { url: env("REGISTRY") };
const format = jsonSchema({ registry });
const input = { topic: env("INPUT"), brokers, start: "earliest", ...until } as const;

export default job(
  env("JOB"),
  (j) =>
    env("FROM") === "changes"
      ? j.source(kafka({ ...input, format: debezium(json(Order)) })).to(
          kafka({
            topic: env("OUTPUT"),
            brokers,
            format,
            key: (order) => order.id.cast(t.string()),
            tombstone: (order) => order.op.eq("d"),
          }),
        )
      : j
          .source(kafka({ ...input, format: upsert(jsonSchema({ registry }, Order), { key: "id" }) }))
          .to(kafka({ topic: env("OUTPUT"), brokers, format: json() })),
  { parallelism: 1, commitInterval: "200ms" },
);
