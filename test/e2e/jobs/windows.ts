// Every exact aggregate, over tumbling and over hopping windows of the same trades; what is read goes to READ, if given.
import {
  avg,
  count,
  countDistinct,
  env,
  first,
  hopping,
  job,
  json,
  kafka,
  last,
  max,
  min,
  sum,
  tumbling,
} from "millrace";
import { brokers, commitInterval, parallelism, recovery, Trade, timing, until } from "./settings.js";

export default job(
  env("JOB"),
  (j) => {
    const trades = j
      .source(
        kafka({
          topic: env("INPUT"),
          brokers,
          format: json(Trade),
          ...until,
        }),
      )
      .eventTime((trade) => trade.at, timing);
    if (env("READ", "") !== "") trades.to(kafka({ topic: env("READ"), brokers, format: json() }));
    const byAccount = trades.keyBy((trade) => trade.account);
    for (const [window, output] of [
      [tumbling("5s"), "TUMBLING"],
      [hopping("6s", "2s"), "HOPPING"],
    ] as const) {
      byAccount
        .window(window)
        .aggregate((trade, w) => ({
          start: w.start,
          end: w.end,
          n: count(),
          total: sum(trade.price),
          low: min(trade.price),
          high: max(trade.price),
          mean: avg(trade.price),
          venues: countDistinct(trade.venue),
          opening: first(trade.price),
          closing: last(trade.price),
        }))
        .to(kafka({ topic: env(output), brokers, format: json() }));
    }
  },
  { parallelism, commitInterval, ...recovery },
);
