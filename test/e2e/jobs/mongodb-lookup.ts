// Numbers with what two collections of MongoDB have for them, by one key and by two.
import { env, generator, job, json, mongodb, schema, stdout, t } from "millrace";

const Person = schema({ _id: t.string(), name: t.string().nullable(), joined: t.timestamp("ms") });
const Price = schema({ shop: t.int64(), item: t.string(), price: t.decimal(10, 2) });

const connection = { url: env("URL"), database: "test" };

export default job(
  "mongodb-lookup",
  (j) =>
    j
      .source(generator.bids({ count: Number(env("COUNT")), startTime: 0, eventsPerSecond: 1000, keys: 1000 }))
      .select((bid) => ({ n: bid.dateTime.epochMilliseconds() }))
      .select((row) => ({ n: row.n, person: row.n.mod(100).cast(t.string()), shop: row.n.mod(7) }))
      .lookupJoin(
        mongodb({
          ...connection,
          collection: env("PERSONS"),
          schema: Person,
          cache: { rows: Number(env("CACHE", "50")) },
        }),
        (row) => ({ _id: row.person }),
        (row, person) => ({ n: row.n, person: row.person, shop: row.shop, name: person.name, joined: person.joined }),
      )
      .leftLookupJoin(
        mongodb({ ...connection, collection: env("PRICES"), schema: Price }),
        (row) => ({ item: row.person, shop: row.shop }),
        (row, price) => ({ n: row.n, name: row.name, joined: row.joined, price: price.price }),
      )
      .to(stdout({ format: json() })),
  { parallelism: 2, restart: "never" },
);
