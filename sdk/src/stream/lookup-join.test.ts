import t from "tap";
import { json } from "../connectors/connector.js";
import { type LookupTable, lookupConfig } from "../connectors/driver.js";
import { generator } from "../connectors/generator.js";
import { stdout } from "../connectors/screen.js";
import { PlanError } from "../errors.js";
import { explain } from "../explain/explain.js";
import { schema, t as type } from "../schema/schema.js";
import { type JobBuilder, job } from "./job.js";

const Person = schema({ id: type.int64(), name: type.string(), city: type.string() });
const persons: LookupTable<typeof Person.shape> = {
  name: "things(persons)",
  schema: Person,
  lookup: lookupConfig("things", undefined, { rows: 5000, ttl: "10s" }),
};
const out = stdout({ format: json() });

t.test("a lookup is drawn with its key, its columns and what is kept", async (t) => {
  const joined = job("named", (j) =>
    j
      .source(generator.bids())
      .leftLookupJoin(
        persons,
        (bid) => ({ id: bid.bidder }),
        (bid, person) => ({ name: person.name, price: bid.price }),
      )
      .to(out),
  );
  t.match(
    explain(joined),
    /leftLookupJoin\(things\(persons\)\) {2}\[lookup-1\] {2}native\n.*where bidder = id\n.*name = table name\n.*price = price\n.*asks for name; 5,000 rows of it are kept, for 10 s/,
  );
  t.match(explain(joined), /reads 2 of \d+ columns: bidder, price/);
  const [, lookup] = joined.steps;
  t.match(lookup?.fields, [
    { name: "name", nullable: true },
    { name: "price", nullable: false },
  ]);
});

t.test("an inner join has the table's own columns, a key that it has, and nothing else", async (t) => {
  const refused = (build: (j: JobBuilder) => unknown) => {
    try {
      job("refused", build);
      return "";
    } catch (error) {
      if (error instanceof PlanError) return error.message;
      throw error;
    }
  };
  const join = (j: JobBuilder, on: (bid: { bidder: unknown; channel: unknown }) => unknown) =>
    j.source(generator.bids()).lookupJoin(persons, on as never, (_, person) => ({ city: person.city }));
  t.equal(
    refused((j) => join(j, (bid) => ({ person: bid.bidder })).to(out)),
    'lookupJoin(things(persons)): the key is named as the table names it: "person" is none of id, name, city',
  );
  t.equal(
    refused((j) => join(j, (bid) => ({ id: bid.channel })).to(out)),
    'lookupJoin(things(persons)): "id" is string, the table\'s is int64: cast the one to the other',
  );
  t.match(
    refused((j) =>
      j
        .source(generator.bids())
        .lookupJoin(
          {} as never,
          () => ({}),
          () => ({}),
        )
        .to(out),
    ),
    /it takes a table of a database, such as mongodb/,
  );
  t.throws(() => lookupConfig("things", undefined, { rows: -1 }), { message: /cache.rows is -1/ });
});
