// Event-time windows by auction: count, sum and greatest price, Kafka to Kafka.
import { count, type Duration, env, hopping, job, json, kafka, max, sum, tumbling } from "millrace";
import { Bid } from "../src/bid-schema.js";
import { optionsOfEnv } from "../src/job-options.js";

const brokers = env("BROKERS");
const end = env("UNTIL", "latest") === "latest" ? ({ until: "latest" } as const) : {};
const [size, slide] = [env("SIZE") as Duration, env("SLIDE") as Duration];

export default job(
  env("JOB"),
  (j) =>
    j
      .source(kafka({ topic: env("INPUT"), brokers, format: json(Bid), ...end }))
      .eventTime((bid) => bid.dateTime, { outOfOrderness: "1s" })
      .keyBy((bid) => bid.auction)
      .window(size === slide ? tumbling(size) : hopping(size, slide))
      .aggregate((bid, w) => ({ start: w.start, n: count(), total: sum(bid.price), top: max(bid.price) }))
      .id("revenue")
      .to(kafka({ topic: env("OUTPUT"), brokers, format: json() })),
  optionsOfEnv(),
);
