// Samples of a series for each row: of those that came twice one is read.
import { victoriametrics } from "millrace";
import { VictoriaMetrics } from "../harness/victoriametrics.js";
import { remoteWrite } from "./remote-write.js";

export default remoteWrite("victoriametrics", victoriametrics, async () => {
  const server = await VictoriaMetrics.start();
  return {
    url: server.url,
    life: {
      stop: () => server.stop(),
      // In order: what it has taken lies in its memory for some seconds, and a kill loses it.
      kill: () => server.end(),
      restart: () => server.restart(),
    },
    samples: (metric) => server.samples(metric),
    count: (metric) => server.count(metric),
  };
});
