// Rows from one broker to another, unchanged.
import { job, json, kafka, schema, t } from "millrace";
import { brokers, variable } from "./settings.js";

const Wide = schema({ id: t.int64(), padding: t.string() });

export default job(
  variable("JOB"),
  (j) =>
    j
      .source(kafka({ topic: variable("INPUT"), brokers, format: json(Wide), start: "earliest", until: "latest" }))
      .to(kafka({ topic: variable("OUTPUT"), brokers: variable("SINK_BROKERS"), format: json() })),
  { parallelism: 2 },
);
