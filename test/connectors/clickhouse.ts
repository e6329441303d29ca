// A table that keeps one row of each id: rows that come again after a kill are there once.
import { clickhouse } from "millrace";
import type { Connector } from "../conformance/connector.js";
import { life } from "../conformance/life.js";
import { type Row, rowOf } from "../conformance/rows.js";
import { ClickHouse } from "../harness/clickhouse.js";
import { delivery } from "./delivery.js";

const connector: Connector = {
  name: "clickhouse",
  sink: {
    guarantee: "idempotent",
    to: (at) =>
      clickhouse({
        url: at.env("CLICKHOUSE"),
        table: at.env("TABLE"),
        auth: { username: at.env("CLICKHOUSE_USER"), password: at.env("CLICKHOUSE_PASSWORD") },
        // The server of the tests is older than these tokens.
        deduplicate: false,
        ...delivery(at),
        batch: { rows: 1000, bytes: "1MB", linger: "50ms" },
      }),
  },
  async start() {
    const server = await ClickHouse.start();
    let tables = 0;
    return {
      ...life(server),
      async openSink() {
        const table = `rows_${tables++}`;
        await server.query(
          `CREATE TABLE ${table} (id Int64, key UInt8, text String) ENGINE = ReplacingMergeTree ORDER BY id`,
        );
        return {
          env: {
            CLICKHOUSE: server.url,
            TABLE: table,
            CLICKHOUSE_USER: server.user,
            CLICKHOUSE_PASSWORD: server.password,
          },
          wrong: [
            { what: "no such table", env: { TABLE: "nowhere" }, says: /Code: 60, .*nowhere.*Check table and columns/ },
            { what: "a wrong password", env: { CLICKHOUSE_PASSWORD: "wrong" }, says: /HTTP sink: .*password.*Check/ },
          ],
          async rows() {
            const found = await server.query<Record<keyof Row, string>>(
              `SELECT id, toString(key) AS key, text FROM ${table} FINAL`,
            );
            return found.map((row) => ({ ...row, id: Number(row.id) }));
          },
          arrived: async () => Number((await server.query<{ n: string }>(`SELECT count() AS n FROM ${table}`))[0]?.n),
          refused: { row: { ...rowOf(0), key: "no number" }, says: /Code: \d+, .*Correct it, or set onBadRecord/ },
        };
      },
    };
  },
};
export default connector;
