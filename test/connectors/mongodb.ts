// A collection of a stand-in for MongoDB. Its source reads what there is: the stand-in has no change streams.
import { mongodb } from "millrace";
import { Columns, type Connector } from "../conformance/connector.js";
import { type Row, rowOf, rowsOf } from "../conformance/rows.js";
import { MongoServer } from "../harness/mongodb.js";

const DATABASE = "conformance";
const TAKEN = "taken";
/** Of the suite's rows, the one that is refused is one of the first. */
const FIRST_IDS = 2000;

const nowhere = {
  what: "no server",
  env: { MONGODB: "mongodb://127.0.0.1:1" },
  says: /connecting: .*ECONNREFUSED.*Check the url, tls, and whether the server is up/,
};

const connector: Connector = {
  name: "mongodb",
  source: {
    isBounded: true,
    from: (j, { env, onBadRecord }) =>
      j.source(
        mongodb({
          url: env("MONGODB"),
          database: DATABASE,
          collection: env("FROM"),
          schema: Columns,
          read: "snapshot",
          batch: { rows: 100 },
          timeout: { connect: "1s" },
          onBadRecord,
        }),
      ),
  },
  sink: {
    guarantee: "idempotent",
    to: ({ env, onBadRecord }) =>
      mongodb({
        url: env("MONGODB"),
        database: DATABASE,
        collection: env("TO"),
        id: "id",
        batch: { rows: 500, linger: "50ms" },
        timeout: { connect: "1s", response: "10s" },
        onBadRecord,
      }),
  },
  async start() {
    const server = await MongoServer.start();
    let collections = 0;
    const collection = (name: string) => server.client.db(DATABASE).collection<Row & { _id?: unknown }>(name);
    return {
      stop: () => server.stop(),
      pause: () => server.pause(),
      resume: () => server.resume(),
      async openSource() {
        const name = `from_${collections++}`;
        const bad = { id: "none", key: "key", text: "text" };
        return {
          env: { MONGODB: server.url, FROM: name },
          wrong: [
            nowhere,
            { what: "no such collection", env: { FROM: "nowhere" }, says: /there is no such collection/ },
          ],
          async fill(rows) {
            if (rows.length > 0) await collection(name).insertMany(rows.map((row) => ({ ...row })));
          },
          async spoil() {
            await server.client
              .db(DATABASE)
              .collection(name)
              .insertOne({ ...bad });
            return Buffer.from(JSON.stringify(bad));
          },
          spoilt: /column "id": expected int64 \(bigint\), found string "none".*Set onBadRecord/,
        };
      },
      async openSink() {
        const name = `to_${collections++}`;
        const taken = rowsOf(0, FIRST_IDS).map(({ id }) => ({ _id: `${TAKEN} ${id}`, id, key: "", text: TAKEN }));
        await server.client.db(DATABASE).collection<{ _id: string }>(name).insertMany(taken);
        // So there is room for one row of each id that has another text.
        await collection(name).createIndex({ id: 1, text: 1 }, { unique: true });
        const others = { key: { $ne: "" } };
        return {
          env: { MONGODB: server.url, TO: name },
          wrong: [nowhere],
          async rows() {
            const found = await collection(name).find(others).toArray();
            return found.map(({ id, key, text }) => ({ id: Number(id), key, text }));
          },
          arrived: () => collection(name).countDocuments(others),
          refused: { row: { ...rowOf(0), text: TAKEN }, says: /E11000 duplicate key.*Correct it, or set onBadRecord/ },
        };
      },
    };
  },
};
export default connector;
