// Passes readings on; what becomes of bad records is the test's choice.
import { deadLetter, env, files, job, json, kafka, schema, t } from "millrace";
import { brokers } from "./settings.js";

const Reading = schema({ id: t.int64(), price: t.int32(), city: t.string() });
const large = { "message.max.bytes": "33554432" };
const policy = env("ON_BAD_RECORD");

export default job(
  env("JOB"),
  (j) =>
    j
      .source(
        kafka({
          topic: env("INPUT"),
          brokers,
          format: json(Reading),
          start: "earliest",
          until: "latest",
          properties: { "fetch.message.max.bytes": "33554432" },
          onBadRecord:
            policy === "deadLetter"
              ? deadLetter(
                  kafka({
                    topic: env("DEAD"),
                    brokers,
                    format: json(),
                    properties: large,
                  }),
                )
              : policy === "deadFiles"
                ? deadLetter(files({ directory: env("DEAD"), format: json(), compression: "gz" }))
                : (policy as "fail" | "skip"),
        }),
      )
      .to(kafka({ topic: env("OUTPUT"), brokers, format: json(), properties: large })),
  { parallelism: 1 },
);
