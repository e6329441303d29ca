// Trades with the limit of their account; the limits are broadcast.
import { env, job, json, kafka, schema, t } from "millrace";
import { brokers, commitInterval, parallelism, recovery, Trade, until } from "./settings.js";

const Limit = schema({ account: t.string(), limit: t.int64() });

export default job(
  env("JOB"),
  (j) => {
    const limits = j
      .source(kafka({ topic: env("LIMITS"), brokers, format: json(Limit), ...until }))
      .broadcast((limit) => limit.account);
    const trades = j.source(kafka({ topic: env("INPUT"), brokers, format: json(Trade), ...until }));
    trades
      .leftJoin(
        limits,
        (trade) => trade.account,
        (trade, limit) => ({ account: trade.account, price: trade.price, limit: limit.limit }),
      )
      .id("limits")
      .to(kafka({ topic: env("OUTPUT"), brokers, format: json() }));
    trades
      .join(
        limits,
        (trade) => trade.account,
        (trade) => ({ account: trade.account }),
      )
      .id("limited")
      .to(kafka({ topic: env("MATCHED"), brokers, format: json() }));
  },
  { parallelism, commitInterval, ...recovery },
);
