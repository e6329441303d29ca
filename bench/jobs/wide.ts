// Query W over wide records; the filter, which all bids pass, reads a fourth field.
import { count, env, job, json, kafka, max, sum, tumbling } from "millrace";
import { WideBid } from "../src/bid-schema.js";
import { optionsOfEnv } from "../src/job-options.js";

const brokers = env("BROKERS");

export default job(
  env("JOB"),
  (j) =>
    j
      .source(kafka({ topic: env("INPUT"), brokers, format: json(WideBid), until: "latest" }))
      .eventTime((bid) => bid.dateTime, { outOfOrderness: "1s" })
      .filter((bid) => bid.bidder.gte(0))
      .keyBy((bid) => bid.auction)
      .window(tumbling("10s"))
      .aggregate((bid, w) => ({ start: w.start, n: count(), total: sum(bid.price), top: max(bid.price) }))
      .id("revenue")
      .to(kafka({ topic: env("OUTPUT"), brokers, format: json() })),
  optionsOfEnv(),
);
