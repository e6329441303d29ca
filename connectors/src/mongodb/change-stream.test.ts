import { schema, t as type } from "millrace";
import * as mongo from "mongodb";
import t from "tap";
import type { Row } from "../driver/driver.js";
import { ChangeReader } from "./change-stream.js";
import type { Access } from "./connect.js";
import { parsed } from "./position.js";
import { Rows } from "./rows.js";
import type { TableSettings } from "./settings.js";

const Order = schema({
  _id: type.int64(),
  total: type.int32().nullable(),
  _operation: type.string(),
  _clusterTime: type.timestamp("ms"),
});

type Event = mongo.Document | null;

const settings: TableSettings = {
  url: "mongodb://localhost",
  database: "d",
  collection: "c",
  connectTimeout: 1,
  responseTimeout: 1,
  read: "changes",
  start: "now",
  operations: ["insert", "update", "delete"],
  preImages: false,
  batchRows: 3,
};

const at = (t: number) => new mongo.Timestamp({ t, i: 1 });
const insert = (id: number, total: number) => ({
  _id: { _data: `token ${id}` },
  operationType: "insert",
  clusterTime: at(id),
  documentKey: { _id: id },
  fullDocument: { _id: id, total },
});

/** A stream of batches; between them, the server is asked, which takes longer than a turn of the loop. */
function readerOver(batches: Event[][], position = {}, over: Partial<TableSettings> = {}) {
  const opened: { pipeline: mongo.Document[]; options: mongo.ChangeStreamOptions }[] = [];
  let [batch, clock]: [Event[], number] = [[], 0];
  const stream = {
    resumeToken: undefined as unknown,
    async tryNext() {
      if (batch.length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        batch = [...(batches.shift() ?? [null])];
      }
      const event = batch.shift() ?? null;
      this.resumeToken = event === null ? { _data: `empty ${clock}` } : event._id;
      if (event === null) clock += 1000;
      return event;
    },
  };
  const collection = {
    watch(pipeline: mongo.Document[], options: mongo.ChangeStreamOptions) {
      opened.push({ pipeline, options });
      return stream;
    },
  };
  const connection = {
    mongo,
    use: (_: string, action: (collection: never) => unknown) => action(collection as never),
    close: async () => {},
  } as unknown as Access;
  const columns = Order.fields.map(({ name }) => name);
  const all = { ...settings, ...over };
  const rows = new Rows(Order.fields, columns);
  return { opened, reader: new ChangeReader(connection, rows, all, { kind: "changes", ...position }, () => clock) };
}

const shown = (rows: readonly Row[]) => rows.map(({ _id, total }) => `${_id}: ${total}`);
const tokenOf = (text: string) => (parsed(text, mongo) as { resume?: unknown }).resume;

t.test("a page has what is here, and the token of its last change", async (t) => {
  const { reader } = readerOver([[insert(1, 10), insert(2, 20)], [insert(3, 30)]]);
  const first = await reader.next();
  t.strictSame(shown(first.rows), ["1: 10", "2: 20"]);
  t.strictSame(tokenOf(first.token), { _data: "token 2" });
  t.equal(first.caughtUp, false, "whether there is more is not known yet");
  t.equal(first.changedMs, 2000);
  t.strictSame(first.rows[0], { _id: 1n, total: 10, _operation: "insert", _clusterTime: 1000 });
  const second = await reader.next();
  t.strictSame(shown(second.rows), ["3: 30"]);
  const third = await reader.next();
  t.match(third, { rows: [], caughtUp: true, changedMs: undefined });
  t.strictSame(tokenOf(third.token), { _data: "empty 0" }, "goes on though nothing comes");
});

t.test("a page ends when it is full, and nothing is left out behind it", async (t) => {
  const { reader } = readerOver([[1, 2, 3, 4, 5].map((id) => insert(id, id))]);
  const pages = [await reader.next(), await reader.next()];
  t.strictSame(
    pages.map(({ rows }) => rows.length),
    [3, 2],
  );
  t.strictSame(tokenOf(pages[0]?.token as string), { _data: "token 3" });
});

t.test("while nothing changes, a page comes every ten seconds only", async (t) => {
  const { reader } = readerOver([]);
  const tokens = [];
  for (let page = 0; page < 3; page++) tokens.push(tokenOf((await reader.next()).token));
  t.strictSame(tokens, [{ _data: "empty 0" }, { _data: "empty 10000" }, { _data: "empty 20000" }]);
});

t.test("a delete is a row of its key, or of the document as it was", async (t) => {
  const gone = { _id: 1, operationType: "delete", clusterTime: at(7), documentKey: { _id: 5 } };
  const { reader } = readerOver([[gone, { ...gone, fullDocumentBeforeChange: { _id: 5, total: 50 } }]]);
  const { rows } = await reader.next();
  t.strictSame(shown(rows), ["5: null", "5: 50"]);
  t.equal(rows[0]?._operation, "delete");
});

t.test("a change whose document is gone is left out, and its token is not", async (t) => {
  const { reader } = readerOver([[{ ...insert(1, 10), operationType: "update", fullDocument: null }]]);
  const page = await reader.next();
  t.strictSame(page.rows, []);
  t.strictSame(tokenOf(page.token), { _data: "token 1" });
});

t.test("reading begins behind a token, at a time, or now, and asks for no more than the columns", async (t) => {
  const begun = async (position: object) => {
    const { reader, opened } = readerOver([], position);
    await reader.next();
    return opened[0];
  };
  const behind = await begun({ resume: { _data: "x" }, from: 5000 });
  t.match(behind?.options, {
    resumeAfter: { _data: "x" },
    fullDocument: "updateLookup",
    startAtOperationTime: undefined,
  });
  t.strictSame(behind?.pipeline[0], {
    $match: { operationType: { $in: ["insert", "update", "delete", "invalidate"] } },
  });
  t.match(behind?.pipeline[1], { $project: { "fullDocument._id": 1, "fullDocument.total": 1, documentKey: 1 } });
  const then = await begun({ from: 5000 });
  t.equal(then?.options.startAtOperationTime?.getHighBitsUnsigned(), 5);
  t.notOk("startAtOperationTime" in ((await begun({}))?.options ?? {}));
});

t.test("the end of the collection ends the job, and the error says what to do", async (t) => {
  const { reader } = readerOver([[{ _id: 1, operationType: "invalidate", clusterTime: at(7) }]]);
  await t.rejects(reader.next(), {
    message:
      "the collection has been dropped or renamed, and with it its changes end. Start the job without its checkpoint " +
      "(--fresh) when the collection is there again.",
    mayPass: false,
  });
});
