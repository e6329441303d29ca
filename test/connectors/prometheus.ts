// Samples of a series for each row: those that come again are the same.
import { prometheus } from "millrace";
import { Prometheus } from "../harness/prometheus.js";
import { remoteWrite } from "./remote-write.js";

export default remoteWrite("prometheus", prometheus, async () => {
  const server = await Prometheus.start();
  return {
    url: server.url,
    life: {
      stop: () => server.stop(),
      kill: () => server.kill(),
      restart: () => server.restart(),
    },
    samples: (metric) => server.samples(`${metric}[1h]`, 3_600_000),
    count: (metric) => server.count(metric),
  };
});
