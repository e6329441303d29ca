import t from "tap";
import { conform } from "../conformance/conform.js";
import { VictoriaMetrics } from "../harness/victoriametrics.js";
import { testSeries } from "./series.js";
import connector from "./victoriametrics.js";

conform(t, connector);

testSeries({
  sink: "victoriametrics",
  isPicky: false,
  start: () => VictoriaMetrics.start(),
  // It keeps what it gets: samples that came twice are left out where they are queried.
  async ids(server) {
    const series = await server.samples("rows");
    return [...new Set(series.flatMap(({ values }) => values.map(([, value]) => 2 * value)))];
  },
});
