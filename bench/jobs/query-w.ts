// Query W: 10 s tumbling event-time windows by auction, count, sum and greatest price, Kafka to Kafka.
import { count, env, type JobOptions, job, json, kafka, max, schema, sum, t, tumbling } from "millrace";

const Bid = schema({
  auction: t.int64(),
  bidder: t.int64(),
  price: t.int64(),
  channel: t.string(),
  url: t.string(),
  dateTime: t.timestamp("ms"),
  extra: t.string(),
});
const brokers = env("BROKERS");

const folder = env("CHECKPOINTS", "");
const exactlyOnce: JobOptions = {
  guarantee: "exactly-once",
  checkpoints: { storage: `file:${folder}/checkpoints`, interval: "2s" },
  state: { directory: `${folder}/state` },
};

export default job(
  env("JOB", "query-w"),
  (j) =>
    j
      .source(kafka({ topic: env("INPUT"), brokers, format: json(Bid), until: "latest" }))
      .eventTime((bid) => bid.dateTime, { outOfOrderness: "1s" })
      .keyBy((bid) => bid.auction)
      .window(tumbling("10s"))
      .aggregate((bid, w) => ({ start: w.start, n: count(), total: sum(bid.price), top: max(bid.price) }))
      .id("revenue")
      .to(kafka({ topic: env("OUTPUT"), brokers, format: json() })),
  folder === "" ? {} : exactlyOnce,
);
