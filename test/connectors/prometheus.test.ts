import t from "tap";
import { conform } from "../conformance/conform.js";
import { Prometheus } from "../harness/prometheus.js";
import connector from "./prometheus.js";
import { START, testSeries } from "./series.js";

conform(t, connector);

testSeries({
  sink: "prometheus",
  isPicky: true,
  start: () => Prometheus.start(),
  async ids(server) {
    const series = await server.samples("rows[1h]", START + 30 * 60_000);
    return series.flatMap(({ values }) => values.map(([, value]) => 2 * value));
  },
});
