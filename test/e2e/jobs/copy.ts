// Rows from one topic to another, which may be another broker's, unchanged.
import { env, job, json, kafka, schema, t } from "millrace";
import { brokers, parallelism, recovery, until } from "./settings.js";

const properties = JSON.parse(env("PROPERTIES", "{}"));
const Wide = schema({ id: t.int64(), padding: t.string() });

export default job(
  env("JOB"),
  (j) =>
    j
      .source(kafka({ topic: env("INPUT"), brokers, format: json(Wide), start: "earliest", properties, ...until }))
      .to(kafka({ topic: env("OUTPUT"), brokers: env("SINK_BROKERS", brokers), format: json(), properties })),
  { parallelism, ...recovery },
);
