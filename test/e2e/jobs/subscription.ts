// Copies what a subscription finds, from where the test says.
import { env, job, json, kafka, schema, t } from "millrace";
import { brokers, until } from "./settings.js";

const Row = schema({ id: t.int64() });
const start = env("START");

export default job(
  env("JOB"),
  (j) =>
    j
      .source(
        kafka({
          pattern: new RegExp(env("PATTERN")),
          brokers,
          format: json(Row),
          start: /^\d+$/.test(start) ? { timestamp: Number(start) } : (start as "earliest" | "latest"),
          ...until,
        }),
      )
      .to(kafka({ topic: env("OUTPUT"), brokers, format: json() })),
  { parallelism: 2, commitInterval: "200ms" },
);
