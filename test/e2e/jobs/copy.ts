// Rows from one broker to another, unchanged.
import { env, job, json, kafka, schema, t } from "millrace";
import { brokers, until } from "./settings.js";

const Wide = schema({ id: t.int64(), padding: t.string() });

export default job(
  env("JOB"),
  (j) =>
    j
      .source(kafka({ topic: env("INPUT"), brokers, format: json(Wide), start: "earliest", ...until }))
      .to(kafka({ topic: env("OUTPUT"), brokers: env("SINK_BROKERS"), format: json() })),
  { parallelism: 2 },
);
