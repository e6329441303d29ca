import t from "tap";
import { conform } from "../conformance/conform.js";
import { QuestDb } from "../harness/questdb.js";
import connector from "./questdb.js";
import { testSeries } from "./series.js";

conform(t, connector);

testSeries({
  sink: "questdb",
  isPicky: true,
  start: () => QuestDb.start(),
  async prepare(server) {
    const columns = "(at TIMESTAMP, key SYMBOL, id LONG, value DOUBLE)";
    // A request whose answer was lost is sent again: the table leaves out what it has.
    await server.query(`CREATE TABLE rows ${columns} TIMESTAMP(at) PARTITION BY DAY WAL DEDUP UPSERT KEYS(at, id)`);
    await server.query(
      "CREATE TABLE taken (at TIMESTAMP, key SYMBOL, id LONG, value BOOLEAN) TIMESTAMP(at) PARTITION BY DAY WAL",
    );
  },
  async ids(server) {
    return (await server.query("SELECT id FROM rows WHERE value = id / 2.0")).map(([id]) => Number(id));
  },
});
