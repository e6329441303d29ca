// The first trade of each account, and each account again once TTL has forgotten it.
import { type Duration, env, job, json, kafka, ttl } from "millrace";
import { brokers, commitInterval, parallelism, recovery, Trade, until } from "./settings.js";

const forgetting = env("TTL", "") === "" ? {} : { ttl: ttl(env("TTL") as Duration) };

export default job(
  env("JOB"),
  (j) =>
    j
      .source(kafka({ topic: env("INPUT"), brokers, format: json(Trade), ...until }))
      .keyBy((trade) => trade.account)
      .deduplicate(forgetting)
      .id("first-trades")
      .select(({ account }) => ({ account }))
      .to(kafka({ topic: env("OUTPUT"), brokers, format: json() })),
  { parallelism, commitInterval, ...recovery },
);
