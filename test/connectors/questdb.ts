// A table that leaves out what it has: rows that come again after a kill are there once.
import { questdb } from "millrace";
import type { Connector } from "../conformance/connector.js";
import { life } from "../conformance/life.js";
import { QuestDb } from "../harness/questdb.js";
import { delivery, nobodyAt } from "./delivery.js";

const connector: Connector = {
  name: "questdb",
  sink: {
    guarantee: "idempotent",
    to: (at) =>
      questdb({
        url: at.env("URL"),
        table: at.env("TABLE"),
        symbols: ["key"],
        columns: ["text"],
        time: "id",
        precision: "ms",
        ...delivery(at),
      }),
  },
  async start() {
    const server = await QuestDb.start();
    let places = 0;
    return {
      ...life(server),
      async openSink() {
        const table = `rows_${places++}`;
        const columns = "(at TIMESTAMP, key SYMBOL, text VARCHAR)";
        await server.query(
          `CREATE TABLE ${table} ${columns} TIMESTAMP(at) PARTITION BY DAY WAL DEDUP UPSERT KEYS(at, key)`,
        );
        return {
          env: { URL: server.url, TABLE: table },
          wrong: [await nobodyAt("URL")],
          async rows() {
            const found = await server.query(`SELECT cast(at AS LONG) / 1000, key, text FROM ${table}`);
            return found.map(([id, key, text]) => ({ id: Number(id), key: String(key), text: String(text) }));
          },
          arrived: async () => Number((await server.query(`SELECT count() FROM ${table}`))[0]?.[0]),
        };
      },
    };
  },
};
export default connector;
