// Revenue by auction, every ten seconds: Kafka in, Kafka out.
import { count, env, job, json, kafka, max, schema, sum, t, tumbling } from "millrace";

const Bid = schema({ auction: t.int64(), price: t.int64(), channel: t.string(), dateTime: t.timestamp("ms") });
const brokers = env("BROKERS", "localhost:9092");

export default job("revenue", (j) =>
  j
    .source(kafka({ topic: "bids", brokers, format: json(Bid) }))
    .eventTime((bid) => bid.dateTime, { outOfOrderness: "1s", idleTimeout: "5s" })
    .filter((bid) => bid.price.gt(100))
    .keyBy((bid) => bid.auction)
    .window(tumbling("10s"))
    .aggregate((bid, w) => ({ start: w.start, n: count(), total: sum(bid.price), top: max(bid.price) }))
    .to(kafka({ topic: "revenue", brokers, format: json() })),
);
