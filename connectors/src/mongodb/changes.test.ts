import { schema, t as type } from "millrace";
import * as mongo from "mongodb";
import t from "tap";
import { type Change, Changes, folded, modelOf } from "./changes.js";
import type { SinkSettings } from "./settings.js";

const Row = schema({ shop: type.int64(), order: type.string(), total: type.int32().nullable(), gone: type.bool() });

const settings = (over: Partial<SinkSettings>): SinkSettings => ({
  url: "mongodb://localhost",
  database: "d",
  collection: "c",
  connectTimeout: 1,
  responseTimeout: 1,
  id: ["order"],
  idIsDocument: false,
  write: "replace",
  deleteWhere: "gone",
  shardKey: [],
  objectIds: [],
  ordered: false,
  writeConcern: { w: "majority" },
  ...over,
});

const row = { shop: 7n, order: "a", total: 1, gone: false };
const changes = (over: Partial<SinkSettings> = {}) => new Changes(settings(over), Row.fields, mongo);
const model = (over: Partial<SinkSettings>, of: object = row) => modelOf(changes(over).of({ ...row, ...of }, 0));

t.test("a row replaces, updates or inserts the document of its id", async (t) => {
  const fields = { shop: 7n, order: "a", total: 1 };
  const filter = { _id: "a" };
  t.strictSame(model({}), { replaceOne: { filter, replacement: fields, upsert: true } });
  t.strictSame(model({ write: "update" }), { updateOne: { filter, update: { $set: fields }, upsert: true } });
  t.strictSame(model({ write: "insert" }), { updateOne: { filter, update: { $setOnInsert: fields }, upsert: true } });
  t.strictSame(model({ id: [], write: "insert", deleteWhere: undefined }), {
    insertOne: { document: { ...fields, gone: false } },
  });
  t.strictSame(model({}, { gone: true }), { deleteOne: { filter } });
  t.match(model({}, { gone: null }), { replaceOne: {} }, "null does not hold");
});

t.test("the filter has the shard key, and an id of several columns is a document in their order", async (t) => {
  const over = { id: ["shop", "order"], idIsDocument: true, shardKey: ["shop"] };
  const expected = { _id: { shop: 7n, order: "a" }, shop: 7n };
  t.match(model(over), { replaceOne: { filter: expected } });
  const turned = model({ ...over, id: ["order", "shop"] }) as { replaceOne: { filter: { _id: object } } };
  t.strictSame(Object.keys(turned.replaceOne.filter._id), ["order", "shop"]);
  t.match(model({ ...over, id: ["order"] }), { replaceOne: { filter: { _id: { order: "a" } } } });
});

t.test("without an id there is no document", async (t) => {
  t.throws(() => model({}, { order: null }), { message: 'column "order": it is null, and makes the _id' });
});

t.test("an update of nothing but an id sets that", async (t) => {
  const only = new Changes(
    settings({ id: ["_id"], write: "insert", deleteWhere: undefined }),
    schema({ _id: type.int64() }).fields,
    mongo,
  );
  const filter = { _id: 5n };
  t.strictSame(modelOf(only.of(filter, 0)), {
    updateOne: { filter, update: { $setOnInsert: filter }, upsert: true },
  });
});

t.test("ids of different values have different keys, whatever their types", async (t) => {
  const Id = schema({ _id: type.struct({ at: type.timestamp("ms"), bytes: type.bytes(), text: type.string() }) });
  const of = new Changes(settings({ id: ["_id"], deleteWhere: undefined }), Id.fields, mongo);
  const key = (at: number, byte: number, text: string) =>
    of.of({ _id: { at, bytes: Uint8Array.of(byte), text } }, 0).key;
  const keys = [key(1, 2, "x"), key(2, 2, "x"), key(1, 3, "x"), key(1, 2, "y")];
  t.equal(new Set(keys).size, 4);
  t.equal(key(1, 2, "x"), keys[0]);
});

t.test("changes of one document come to what they would have made of it one after the other", async (t) => {
  const of = (kind: Change["kind"], row: number): Change => ({ row, kind, key: "", filter: {}, fields: { row } });
  const told = (...kinds: Change["kind"][]) => {
    const { kind, row } = folded(kinds.map(of));
    return `${kind} ${row}`;
  };
  t.equal(told("replace", "replace"), "replace 1");
  t.equal(told("update", "update"), "update 1");
  t.equal(told("insert", "insert"), "insert 0");
  t.equal(told("update", "delete"), "delete 1");
  t.equal(told("delete", "update"), "replace 1");
  t.equal(told("delete", "update", "update"), "replace 2");
  t.equal(told("delete", "insert", "insert"), "replace 1");
  t.equal(told("insert", "delete", "insert"), "replace 2");
  t.equal(told("replace", "delete"), "delete 1");
});
