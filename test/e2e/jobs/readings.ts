// Passes readings on; what becomes of bad records is the test's choice.
import { deadLetter, job, json, kafka, schema, t } from "millrace";
import { brokers, variable } from "./settings.js";

const Reading = schema({ id: t.int64(), price: t.int32(), city: t.string() });
const large = { "message.max.bytes": "33554432" };
const policy = variable("ON_BAD_RECORD");

export default job(
  variable("JOB"),
  (j) =>
    j
      .source(
        kafka({
          topic: variable("INPUT"),
          brokers,
          format: json(Reading),
          start: "earliest",
          until: "latest",
          properties: { "fetch.message.max.bytes": "33554432" },
          onBadRecord:
            policy === "deadLetter"
              ? deadLetter(
                  kafka({
                    topic: variable("DEAD"),
                    brokers,
                    format: json(),
                    properties: large,
                  }),
                )
              : (policy as "fail" | "skip"),
        }),
      )
      .to(kafka({ topic: variable("OUTPUT"), brokers, format: json(), properties: large })),
  { parallelism: 1 },
);
