import t from "tap";
import { conform } from "../conformance/conform.js";
import { InfluxDb } from "../harness/influxdb.js";
import connector from "./influxdb.js";
import { testSeries } from "./series.js";

conform(t, connector);

for (const sink of ["influxdb", "influxdb 2"]) {
  testSeries({
    sink,
    isPicky: true,
    start: () => InfluxDb.start(),
    async prepare(server) {
      await server.write('taken value="a text"');
    },
    async ids(server) {
      return (await server.query("SELECT id, value FROM rows")).map(([, id]) => Number(id));
    },
  });
}
