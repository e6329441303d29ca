// One long window over as many keys as there are, so that its state is large.
import { count, env, job, json, kafka, sum, tumbling } from "millrace";
import { brokers, parallelism, recovery, Trade, timing } from "./settings.js";

export default job(
  env("JOB"),
  (j) =>
    j
      .source(kafka({ topic: env("INPUT"), brokers, format: json(Trade) }))
      .eventTime((trade) => trade.at, timing)
      .keyBy((trade) => trade.account)
      .window(tumbling("1d"))
      .aggregate((trade) => ({ account: trade.account, n: count(), total: sum(trade.price) }))
      .id("by-account")
      .to(kafka({ topic: env("OUTPUT"), brokers, format: json() })),
  { parallelism, ...recovery },
);
