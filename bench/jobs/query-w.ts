// Query W: 10 s tumbling event-time windows by auction, count, sum and greatest price, Kafka to Kafka.
import { count, env, job, json, kafka, max, schema, sum, t, tumbling } from "millrace";

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

export default job(env("JOB", "query-w"), (j) =>
  j
    .source(kafka({ topic: env("INPUT"), brokers, format: json(Bid), until: "latest" }))
    .eventTime((bid) => bid.dateTime, { outOfOrderness: "1s" })
    .keyBy((bid) => bid.auction)
    .window(tumbling("10s"))
    .aggregate((bid, w) => ({ start: w.start, n: count(), total: sum(bid.price), top: max(bid.price) }))
    .to(kafka({ topic: env("OUTPUT"), brokers, format: json() })),
);
