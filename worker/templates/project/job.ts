// Made-up bids, counted by channel every second. `npm start` runs it, `npm run explain` draws it.
import { avg, count, generator, job, max, table, tumbling } from "millrace";

export default job("bids-by-channel", (j) =>
  j
    // From Kafka: kafka({ topic: "bids", brokers: "localhost:9092", format: json(schema({ price: t.int64(), ... })) })
    .source(generator.bids({ rate: 50_000, eventsPerSecond: 50_000, outOfOrderness: "100ms" }))
    .eventTime((bid) => bid.dateTime, { outOfOrderness: "100ms" })
    .filter((bid) => bid.price.gt(100))
    .keyBy((bid) => bid.channel)
    .window(tumbling("1s"))
    .aggregate((bid, w) => ({ end: w.end, bids: count(), mean: avg(bid.price), top: max(bid.price) }))
    .to(table({ title: "Bids by channel" })),
);
