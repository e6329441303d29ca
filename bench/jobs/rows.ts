// Queries without state: a row for each bid, or for some of them, Kafka to Kafka.
import { env, job, json, kafka, t } from "millrace";
import { Bid } from "../src/bid-schema.js";
import { optionsOfEnv } from "../src/job-options.js";

const brokers = env("BROKERS");

export default job(
  env("JOB"),
  (j) => {
    const bids = j.source(kafka({ topic: env("INPUT"), brokers, format: json(Bid), until: "latest" }));
    const output = kafka({ topic: env("OUTPUT"), brokers, format: json() });
    switch (env("QUERY")) {
      case "stateless":
        return bids
          .filter((b) => b.price.gt(500_000))
          .select((b) => ({ auction: b.auction, bidder: b.bidder, price: b.price, dateTime: b.dateTime }))
          .to(output);
      case "q0":
        return bids.to(output);
      case "q1":
        return bids
          .select((b) => ({
            auction: b.auction,
            bidder: b.bidder,
            price: b.price.cast(t.float64()).mul(0.908),
            dateTime: b.dateTime,
            extra: b.extra,
          }))
          .to(output);
      case "q2":
        return bids
          .filter((b) => b.auction.mod(123).eq(0))
          .select((b) => ({ auction: b.auction, price: b.price }))
          .to(output);
      default:
        throw new Error(`QUERY=${env("QUERY")}: there are stateless, q0, q1, q2`);
    }
  },
  optionsOfEnv(),
);
