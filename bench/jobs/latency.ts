// Kafka to Kafka: events as they are, or the number of them in each window.
import { count, type Duration, env, job, json, kafka, schema, t, tumbling } from "millrace";
import { optionsOfEnv } from "../src/job-options.js";

const Event = schema({ n: t.int64(), sent: t.timestamp("ms") });
const brokers = env("BROKERS");
const window = env("WINDOW", "");

export default job(
  env("JOB"),
  (j) => {
    const events = j
      .source(kafka({ topic: env("INPUT"), brokers, format: json(Event) }))
      .eventTime((event) => event.sent);
    const output = kafka({ topic: env("OUTPUT"), brokers, format: json() });
    if (window === "") events.to(output);
    else
      events
        .keyBy((event) => event.n.mod(10).as("key"))
        .window(tumbling(window as Duration))
        .aggregate((_, w) => ({ end: w.end, n: count() }))
        .id("counts")
        .to(output);
  },
  optionsOfEnv(),
);
