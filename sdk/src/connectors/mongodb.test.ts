import t from "tap";
import { explain } from "../explain/explain.js";
import { schema, t as type } from "../schema/schema.js";
import { job } from "../stream/job.js";
import type { Sink, Source } from "./connector.js";
import { generator } from "./generator.js";
import { mongodb } from "./mongodb.js";
import { table } from "./screen.js";

const connection = { url: "mongodb://me:secret@localhost", database: "shop", collection: "orders" };
const Order = schema({ _id: type.string(), total: type.float64(), _operation: type.string() });

const to = (options: object) =>
  job("written", (j) => j.source(generator.bids()).to(mongodb({ ...connection, ...options }) as Sink));
const from = (source: Source<never>) => job("read", (j) => j.source(source).to(table()));

const optionsOf = (sink: Sink) => {
  if (sink.config.kind !== "driver") throw new Error(sink.config.kind);
  return sink.config.options;
};

t.test("neither explain nor the plan holds what the URL does", async (t) => {
  const made = to({ id: "auction", auth: { username: "me", password: "secret" } });
  t.match(explain(made), "mongodb(shop.orders)");
  t.notMatch(explain(made), /secret/);
  t.notMatch(Buffer.from(made.toPlan()).toString(), /secret/);
  t.throws(() => mongodb({ ...connection, url: "http://me:secret@localhost" }), {
    message: 'mongodb(shop.orders): the url is not one such as "mongodb://localhost:27017"',
  });
});

t.test("a sink is told what its driver is to do", async (t) => {
  t.match(optionsOf(mongodb(connection)), {
    id: ["_id"],
    idIsDocument: false,
    write: "replace",
    ordered: false,
    writeConcern: { w: "majority" },
    connectTimeout: 5000,
    responseTimeout: 30_000,
  });
  t.match(optionsOf(mongodb({ ...connection, id: ["a"], writeConcern: { w: 2, timeout: "1s" } })), {
    id: ["a"],
    idIsDocument: true,
    writeConcern: { w: 2, timeout: 1000 },
  });
  t.match(optionsOf(mongodb({ ...connection, id: null, write: "insert" })), { id: [] });
});

t.test("columns that are not there, or of the wrong type, are errors of the plan", async (t) => {
  const message = (options: object) => {
    try {
      return to(options).name;
    } catch (error) {
      return (error as Error).message.replace("mongodb(shop.orders): ", "");
    }
  };
  t.equal(message({ id: "auction", shardKey: ["channel"], objectIds: ["url"] }), "written");
  t.equal(message({}), 'there is no column _id: name the columns that make it as id, such as "auction"');
  t.match(message({ id: "auktion" }), /^id is the column "auktion", and there are auction, bidder, /);
  t.match(message({ id: "auction", shardKey: ["shop"] }), /^shardKey is the column "shop", and there are /);
  t.equal(message({ id: "auction", objectIds: ["price"] }), 'objectIds: "price" is not a string');
  t.equal(message({ id: "auction", deleteWhere: "price" }), 'deleteWhere: "price" is not bool');
  t.equal(message({ id: [] }), "id names no column");
  t.equal(message({ id: null }), 'without an id there are inserts only: set write: "insert", and no deleteWhere');
  t.match(message({ id: "auction", writeConcern: { w: 0 } }), /^with w: 0 nobody says whether a row has been written/);
});

t.test("a source of changes has deletes where its columns can tell them", async (t) => {
  const source = mongodb({ ...connection, schema: Order, preImages: true });
  t.match(source.config("j"), {
    driver: "mongodb",
    options: { operations: ["insert", "update", "replace", "delete"] },
  });
  const plain = schema({ _id: type.string(), total: type.float64() });
  t.match(mongodb({ ...connection, schema: plain }).config("j"), {
    options: { operations: ["insert", "update", "replace"], read: "changes", start: "now" },
  });
  t.throws(() => from(mongodb({ ...connection, schema: Order }) as never).toPlan(), {
    message:
      'mongodb(shop.orders): of a document that is deleted there is its _id only: make "total" nullable, set preImages, or ' +
      "leave deletes out of operations",
  });
  t.match(mongodb({ ...connection, schema: plain, start: { timestamp: new Date(5) } }).config("j"), {
    options: { start: 5 },
  });
  t.throws(() => mongodb({ ...connection, schema: plain, read: "snapshot", start: "now" }), {
    message: 'mongodb(shop.orders): start says where changes begin, and read: "snapshot" has none',
  });
});
