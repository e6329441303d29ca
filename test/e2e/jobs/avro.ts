// Avro bids of a schema registry, to Avro of the same, and to JSON.
import { avro, deadLetter, env, job, json, kafka, schema, t } from "millrace";
import { brokers, restart, until } from "./settings.js";

const Bid = schema({
  auction: t.int64(),
  price: t.float64(),
  note: t.string().nullable(),
  dateTime: t.timestamp("ms"),
});

const tokenFile = env("TOKEN_FILE", "");
const registry = { url: env("REGISTRY"), ...(tokenFile === "" ? {} : { token: { file: tokenFile } }) };
const readerSchema = {
  type: "record",
  name: "Bid",
  fields: [{ name: "note", type: ["null", "string"], aliases: ["remark"] }],
};

export default job(
  env("JOB"),
  (j) => {
    const bids = j.source(
      kafka({
        topic: env("INPUT"),
        brokers,
        format: avro({ registry, readerSchema }, Bid),
        start: "earliest",
        onBadRecord:
          env("DEAD", "") === "" ? "fail" : deadLetter(kafka({ topic: env("DEAD"), brokers, format: json() })),
        ...until,
      }),
    );
    bids.to(
      kafka({
        topic: env("OUTPUT"),
        brokers,
        format: avro({
          registry: { ...registry, register: env("REGISTER", "yes") === "yes" },
          name: "com.example.Written",
        }),
        key: (bid) => bid.auction.cast(t.string()),
      }),
    );
  },
  { parallelism: 2, commitInterval: "200ms", restart },
);
