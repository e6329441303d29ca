import t from "tap";
import { explain } from "../explain/explain.js";
import { schema, t as type } from "../schema/schema.js";
import { job } from "../stream/job.js";
import { type CassandraConnection, type CassandraSinkOptions, cassandra } from "./cassandra.js";
import { generator } from "./generator.js";

const shop: CassandraConnection = {
  contactPoints: "a, b:9043",
  localDataCenter: "dc1",
  keyspace: "shop",
  table: "orders",
};
const Person = schema({ id: type.int64(), name: type.string() });

t.test("without a schema it is a sink, with one a source and a table to look up in", async (t) => {
  const sink = cassandra({ ...shop, ttl: "90s", batch: { rows: 50 } });
  t.match(sink, { role: "sink", name: "cassandra(shop.orders)", config: { driver: "cassandra", batchRows: 50 } });
  t.match((sink.config as { options: unknown }).options, {
    contactPoints: ["a", "b:9043"],
    consistency: "LOCAL_QUORUM",
    ttl: 90,
    timeout: 12_000,
    concurrency: 64,
  });
  const table = cassandra({ ...shop, table: "persons", schema: Person, splits: 5, cache: { rows: 10 } });
  t.match(table.config("a job"), { driver: "cassandra", options: { splits: 5, pageRows: 1000, concurrency: 8 } });
  t.match(table.lookup, { driver: "cassandra", cacheRows: 10, options: { concurrency: 64 } });
});

t.test("neither explain nor the plan holds the password", async (t) => {
  const auth = { username: "millrace", password: "a secret" };
  const persons = cassandra({ ...shop, table: "persons", schema: Person, auth });
  const made = job("named", (j) =>
    j
      .source(generator.bids())
      .lookupJoin(
        persons,
        (bid) => ({ id: bid.bidder }),
        (bid, person) => ({ price: bid.price, name: person.name }),
      )
      .to(cassandra({ ...shop, auth })),
  );
  t.notMatch(explain(made), /secret/);
  t.notMatch(Buffer.from(made.toPlan()).toString(), /secret/);
});

t.test("options that cannot be are errors that say what can", async (t) => {
  const wrong: [Partial<CassandraSinkOptions>, string][] = [
    [{ contactPoints: [] }, 'contactPoints name nodes of the cluster: "10.0.0.1", ["10.0.0.1:9042", "10.0.0.2:9042"]'],
    [{ localDataCenter: "" }, "localDataCenter is missing: give its name"],
    [{ concurrency: 0 }, "concurrency is 0: give a whole number from 1 on"],
    [{ ttl: "9000d" }, 'ttl is 9000d: give one from "1s" to "7300d"'],
    [
      { ifNotExists: true, timestamp: "at" },
      "ifNotExists makes transactions, which take no timestamp and no speculative executions",
    ],
    [
      { serialConsistency: "SERIAL" },
      "serialConsistency is for rows that are written with ifNotExists: set it, or leave it out",
    ],
  ];
  for (const [options, message] of wrong)
    t.throws(() => cassandra({ ...shop, ...options }), { message: `cassandra(shop.orders): ${message}` });
});
