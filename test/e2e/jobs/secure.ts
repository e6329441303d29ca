// Copies rows; how each end is reached is the test's choice, in the words of the SDK or of librdkafka.
import { deadLetter, env, job, json, type KafkaConnection, kafka, schema, t } from "millrace";

const Row = schema({ id: t.int64() });
const source = JSON.parse(env("SOURCE")) as KafkaConnection;
const sink = JSON.parse(env("SINK")) as KafkaConnection;
// Reached as the sink is.
const onBadRecord =
  env("DEAD", "") === "" ? "fail" : deadLetter(kafka({ ...sink, topic: env("DEAD"), format: json() }));

export default job(
  env("JOB"),
  (j) =>
    j
      .source(kafka({ ...source, topic: env("INPUT"), format: json(Row), until: "latest", onBadRecord }))
      .to(kafka({ ...sink, topic: env("OUTPUT"), format: json() })),
  {
    parallelism: 2,
    restart: env("RESTARTS", "") === "" ? "never" : { attempts: Number(env("RESTARTS")), delay: "100ms" },
  },
);
