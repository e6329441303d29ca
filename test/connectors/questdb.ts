// A table that leaves out what it has: rows that come again after a kill are there once.
import { type Duration, questdb } from "millrace";
import type { Connector } from "../conformance/connector.js";
import { freePorts } from "../harness/ports.js";
import { QuestDb } from "../harness/questdb.js";

const connector: Connector = {
  name: "questdb",
  sink: {
    guarantee: "idempotent",
    to: ({ env, onBadRecord }) =>
      questdb({
        url: env("URL"),
        table: env("TABLE"),
        symbols: ["key"],
        columns: ["text"],
        time: "id",
        precision: "ms",
        batch: { rows: 1000, linger: "50ms" },
        timeout: { connect: "1s", response: "2s" },
        retry: { delay: "20ms", maxDelay: "200ms", giveUpAfter: env("GIVE_UP_AFTER", "5m") as Duration },
        onBadRecord,
      }),
  },
  async start() {
    const server = await QuestDb.start();
    const [nobody] = await freePorts(1);
    let places = 0;
    return {
      stop: () => server.stop(),
      pause: () => server.pause(),
      resume: () => server.resume(),
      kill: () => server.kill(),
      restart: () => server.restart(),
      async openSink() {
        const table = `rows_${places++}`;
        const columns = "(at TIMESTAMP, key SYMBOL, text VARCHAR)";
        await server.query(
          `CREATE TABLE ${table} ${columns} TIMESTAMP(at) PARTITION BY DAY WAL DEDUP UPSERT KEYS(at, key)`,
        );
        return {
          env: { URL: server.url, TABLE: table },
          wrong: [
            {
              what: "nobody at the address",
              env: { URL: `http://127.0.0.1:${nobody}`, GIVE_UP_AFTER: "500ms" },
              says: /HTTP sink: http:\/\/127[^ ]+ has not taken a request in .* attempts.*ECONNREFUSED/,
            },
          ],
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
