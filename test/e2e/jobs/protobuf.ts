// Protobuf bids of a schema registry, to Protobuf of the same.
import { deadLetter, env, job, json, kafka, protobuf, schema, t } from "millrace";
import { brokers, until } from "./settings.js";

const Bid = schema({
  auction: t.int64(),
  price: t.float64(),
  note: t.string().nullable(),
  kind: t.string(),
  tags: t.list(t.string()),
  dateTime: t.timestamp("ms").nullable(),
});

const registry = { url: env("REGISTRY") };

export default job(
  env("JOB"),
  (j) =>
    j
      .source(
        kafka({
          topic: env("INPUT"),
          brokers,
          format: protobuf({ registry }, Bid),
          start: "earliest",
          onBadRecord: deadLetter(kafka({ topic: env("DEAD"), brokers, format: json() })),
          ...until,
        }),
      )
      .to(
        kafka({
          topic: env("OUTPUT"),
          brokers,
          format: protobuf({ registry, message: "com.example.Written" }),
          key: (bid) => bid.auction.cast(t.string()),
        }),
      ),
  { parallelism: 2, commitInterval: "200ms" },
);
