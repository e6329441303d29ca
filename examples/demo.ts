// Made-up bids, windowed by channel, as a live table: needs no server.
import { avg, count, generator, hopping, job, max, table } from "millrace";

export default job("demo", (j) =>
  j
    .source(generator.bids({ rate: 200_000, eventsPerSecond: 200_000, outOfOrderness: "200ms" }))
    .eventTime((bid) => bid.dateTime, { outOfOrderness: "200ms" })
    .keyBy((bid) => bid.channel)
    .window(hopping("5s", "1s"))
    .aggregate((bid, w) => ({ end: w.end, bids: count(), mean: avg(bid.price), top: max(bid.price) }))
    // Besides the large channels there are thousands of small ones.
    .filter((row) => row.bids.gt(1000))
    .to(table({ title: "Bids of the last five seconds, by channel" })),
);
