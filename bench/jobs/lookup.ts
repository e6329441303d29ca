// Bids that are looked up in a table of a database, or, without one, are only counted.
import {
  cassandra,
  count,
  env,
  files,
  generator,
  type JobBuilder,
  job,
  json,
  mongodb,
  schema,
  t,
  tumbling,
} from "millrace";

const bids = (j: JobBuilder) =>
  j
    .source(generator.bids({ count: Number(env("EVENTS")), keys: Number(env("KEYS")), startTime: 0 }))
    .eventTime((bid) => bid.dateTime);

const name = t.string();
const cache = { rows: 10_000_000 };

const named = {
  none: (j: JobBuilder) => bids(j).select((bid) => ({ name: bid.channel })),
  mongodb: (j: JobBuilder) =>
    bids(j).lookupJoin(
      mongodb({
        url: env("URL"),
        database: env("DATABASE"),
        collection: "things",
        schema: schema({ _id: t.int64(), name }),
        cache,
      }),
      (bid) => ({ _id: bid.auction }),
      (_, thing) => ({ name: thing.name }),
    ),
  cassandra: (j: JobBuilder) =>
    bids(j).lookupJoin(
      cassandra({
        contactPoints: env("CONTACT"),
        localDataCenter: "datacenter1",
        keyspace: env("KEYSPACE"),
        table: "things",
        schema: schema({ id: t.int64(), name }),
        cache,
      }),
      (bid) => ({ id: bid.auction }),
      (_, thing) => ({ name: thing.name }),
    ),
} as const;

export default job("lookup", (j) =>
  named[env("DRIVER") as keyof typeof named](j)
    .keyBy((row) => ({ length: row.name.length() }))
    .window(tumbling("10000h"))
    .aggregate(() => ({ count: count() }))
    .id("counts")
    .to(files({ directory: env("RESULTS"), format: json() })),
);
