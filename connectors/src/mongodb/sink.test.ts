import { schema, t as type } from "millrace";
import * as mongo from "mongodb";
import t from "tap";
import type { Access } from "./connect.js";
import type { SinkSettings } from "./settings.js";
import { MongoSink } from "./sink.js";

const Row = schema({ _id: type.int64(), value: type.string() });

type Model = mongo.AnyBulkWriteOperation<mongo.Document>;

/** Whether, and with which error, a document is refused; so many times. */
type Refuses = (document: mongo.Document) => { code: number; message?: string } | undefined;

/** A collection that takes bulk writes, but for what it refuses. */
function sinkOver(refuses: Refuses, over: Partial<SinkSettings> = {}) {
  const settings: SinkSettings = {
    url: "mongodb://localhost",
    database: "d",
    collection: "c",
    connectTimeout: 1,
    responseTimeout: 1,
    id: ["_id"],
    idIsDocument: false,
    write: "replace",
    shardKey: [],
    objectIds: [],
    ordered: false,
    writeConcern: { w: "majority" },
    ...over,
  };
  const documents = new Map<bigint, string>();
  const calls: number[] = [];
  const collection = {
    async bulkWrite(models: Model[], { ordered }: mongo.BulkWriteOptions) {
      calls.push(models.length);
      const large = models.find((model) => mongo.BSON.calculateObjectSize(model) > 16 << 20);
      if (large !== undefined) throw new mongo.MongoInvalidArgumentError("Document is larger than the maximum size");
      const writeErrors: mongo.WriteError[] = [];
      for (const [index, model] of models.entries()) {
        if (!("replaceOne" in model)) throw new Error("it takes replacements");
        const { filter, replacement } = model.replaceOne;
        const error = refuses({ ...filter, ...replacement });
        if (error === undefined) documents.set(filter._id as never, replacement.value);
        else writeErrors.push({ index, code: error.code, errmsg: error.message ?? "no" } as mongo.WriteError);
        if (error !== undefined && ordered === true) break;
      }
      if (writeErrors.length === 0) return;
      const result = { getWriteConcernError: () => undefined } as unknown as mongo.BulkWriteResult;
      throw new mongo.MongoBulkWriteError({ message: "some", code: 1, writeErrors }, result);
    },
  };
  const connection = {
    mongo,
    use: (_: string, action: (collection: never) => unknown) => action(collection as never),
    close: async () => {},
  } as unknown as Access;
  const sink = new MongoSink(connection, settings, { job: "j", name: "s", fields: Row.fields });
  const write = (...rows: (readonly [id: bigint, value: string])[]) =>
    sink.write(rows.map(([_id, value]) => ({ _id, value })));
  return { write, documents, calls };
}

const badIsInvalid: Refuses = ({ value }) =>
  value.startsWith("bad") ? { code: 121, message: "Document failed validation" } : undefined;

t.test("of rows of one document the last one is written, in one write", async (t) => {
  const { write, documents, calls } = sinkOver(() => undefined);
  t.strictSame(await write([1n, "a"], [2n, "b"], [1n, "c"]), []);
  t.strictSame(
    [...documents],
    [
      [1n, "c"],
      [2n, "b"],
    ],
  );
  t.strictSame(calls, [2]);
});

t.test("a row that is refused leaves what the row before it has made of the document", async (t) => {
  const { write, documents } = sinkOver(badIsInvalid);
  t.strictSame(await write([1n, "a"], [2n, "bad"], [1n, "bad"], [1n, "bad, too"]), [
    { row: 1, reason: "Document failed validation (121)" },
    { row: 2, reason: "Document failed validation (121)" },
    { row: 3, reason: "Document failed validation (121)" },
  ]);
  t.strictSame([...documents], [[1n, "a"]]);
});

t.test("in order each row is written, and those behind a refused one, too", async (t) => {
  const { write, documents, calls } = sinkOver(badIsInvalid, { ordered: true });
  const refused = await write([1n, "a"], [1n, "b"], [2n, "bad"], [3n, "c"], [4n, "bad"], [1n, "d"]);
  t.strictSame(
    refused.map(({ row }) => row),
    [2, 4],
  );
  t.strictSame(
    [...documents],
    [
      [1n, "d"],
      [3n, "c"],
    ],
  );
  t.strictSame(calls, [6, 3, 1]);
});

t.test("a document that somebody else inserts at this moment is written again, but not for ever", async (t) => {
  const race = { code: 11000, message: "E11000 duplicate key error collection: d.c index: _id_ dup key: { _id: 1 }" };
  let left = 2;
  const passing = sinkOver(() => (left-- > 0 ? race : undefined));
  t.strictSame(await passing.write([1n, "a"]), []);
  t.strictSame([...passing.documents], [[1n, "a"]]);
  const lasting = sinkOver(({ _id }) => (_id === 1n ? race : undefined));
  t.strictSame(await lasting.write([1n, "a"], [2n, "b"]), [{ row: 0, reason: `${race.message} (11000)` }]);
  t.strictSame([...lasting.documents], [[2n, "b"]]);
});

t.test("a document that is too large is refused, and the others are written", async (t) => {
  for (const ordered of [false, true]) {
    const { write, documents } = sinkOver(() => undefined, { ordered });
    const refused = await write([1n, "a"], [2n, "x".repeat(17 << 20)], [3n, "c"]);
    t.match(refused, [{ row: 1, reason: /^the document has \d+ bytes, and MongoDB takes 16 MB/ }]);
    t.strictSame([...documents.keys()], [1n, 3n]);
  }
});

t.test("what concerns all rows is no row's fault", async (t) => {
  const { write } = sinkOver(() => ({ code: 13, message: "not authorized" }));
  await t.rejects(write([1n, "a"]), { message: "not authorized", code: 13 });
});
