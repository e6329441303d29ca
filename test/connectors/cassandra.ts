// Tables with a row of each key and id; those that are to be read are written by the driver.
import { cassandra } from "millrace";
import { Columns, type Connector } from "../conformance/connector.js";
import { life } from "../conformance/life.js";
import { type Row, rowOf } from "../conformance/rows.js";
import { CassandraServer } from "../harness/cassandra.js";

const address = (env: (name: string) => string) => ({
  contactPoints: env("CASSANDRA"),
  localDataCenter: "datacenter1",
  keyspace: env("KEYSPACE"),
  table: env("TABLE"),
});

const connector: Connector = {
  name: "cassandra",
  source: {
    isBounded: true,
    isShort: true,
    // Small pages, so that there is something to be stopped in the middle.
    from: (j, { env, onBadRecord }) =>
      j.source(cassandra({ ...address(env), schema: Columns, splits: 16, pageRows: 20, concurrency: 1, onBadRecord })),
  },
  sink: {
    guarantee: "idempotent",
    to: ({ env, onBadRecord }) =>
      cassandra({ ...address(env), batch: { rows: 500, linger: "50ms" }, timeout: "3s", onBadRecord }),
  },
  async start() {
    const server = await CassandraServer.start();
    let tables = 0;
    const open = async () => {
      const table = `rows_${tables++}`;
      const name = `${server.keyspace}.${table}`;
      await server.query(`CREATE TABLE ${name} (key text, id bigint, text text, PRIMARY KEY (key, id))`);
      const env = { CASSANDRA: server.address, KEYSPACE: server.keyspace, TABLE: table };
      const wrong = [
        {
          what: "no such table",
          env: { TABLE: "nowhere" },
          says: /there is no table "nowhere" .*: create it, or correct/,
        },
        { what: "no such keyspace", env: { KEYSPACE: "nowhere" }, says: /there is no keyspace "nowhere", but .*tests/ },
        { what: "no such server", env: { CASSANDRA: "127.0.0.1:1" }, says: /127\.0\.0\.1:1: .*ECONNREFUSED.* Check/ },
      ];
      return { name, env, wrong };
    };
    return {
      ...life(server),
      async openSource() {
        const { name, env, wrong } = await open();
        const insert = `INSERT INTO ${name} (id, key, text) VALUES (?, ?, ?)`;
        return {
          env,
          wrong,
          fill: (rows) =>
            server.insert(
              insert,
              rows.map(({ id, key, text }) => [BigInt(id), key, text]),
            ),
          async spoil() {
            await server.insert(insert, [[1_000_000_007n, "spoilt", null]]);
            return Buffer.from('{"id":"1000000007","key":"spoilt","text":null}');
          },
          spoilt: /column "text": it is null, and not nullable/,
        };
      },
      async openSink() {
        const { name, env, wrong } = await open();
        return {
          env,
          wrong,
          async rows() {
            const found = await server.query<Omit<Row, "id"> & { id: bigint }>(`SELECT id, key, text FROM ${name}`);
            return found.map((row) => ({ ...row, id: Number(row.id) }));
          },
          arrived: async () => Number((await server.query<{ n: bigint }>(`SELECT count(*) AS n FROM ${name}`))[0]?.n),
          refused: { row: { ...rowOf(0), key: "" }, says: /Key may not be empty.*Correct it, or set onBadRecord/ },
        };
      },
    };
  },
};
export default connector;
