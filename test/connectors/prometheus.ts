// Samples of a series for each row: those that come again are the same.
import { type Duration, prometheus } from "millrace";
import type { Connector } from "../conformance/connector.js";
import { freePorts } from "../harness/ports.js";
import { Prometheus } from "../harness/prometheus.js";

const connector: Connector = {
  name: "prometheus",
  sink: {
    guarantee: "idempotent",
    to: ({ env, onBadRecord }) =>
      prometheus({
        url: env("URL"),
        path: env("URL_PATH", "/api/v1/write"),
        metric: env("METRIC"),
        labels: ["key", "text"],
        value: "id",
        time: "id",
        batch: { rows: 1000, linger: "50ms" },
        timeout: { connect: "1s", response: "2s" },
        retry: { delay: "20ms", maxDelay: "200ms", giveUpAfter: env("GIVE_UP_AFTER", "5m") as Duration },
        onBadRecord,
      }),
  },
  async start() {
    const server = await Prometheus.start();
    const [nobody] = await freePorts(1);
    let places = 0;
    return {
      stop: () => server.stop(),
      // Not paused: the rows of that check would be a hundred thousand series with long labels, more than it stands.
      kill: () => server.kill(),
      restart: () => server.restart(),
      async openSink() {
        const metric = `rows_${places++}`;
        return {
          env: { URL: server.url, METRIC: metric },
          wrong: [
            {
              what: "nobody at the address",
              env: { URL: `http://127.0.0.1:${nobody}`, GIVE_UP_AFTER: "500ms" },
              says: /HTTP sink: http:\/\/127[^ ]+ has not taken a request in .* attempts.*ECONNREFUSED/,
            },
            { what: "a wrong path", env: { URL_PATH: "/api/none" }, says: /HTTP sink: .*status 4\d\d.*Check/ },
          ],
          async rows() {
            const found = await server.samples(`${metric}[1h]`, 3_600_000);
            return found.map(({ labels, values }) => ({
              id: Number(values[0]?.[1]),
              key: String(labels.key),
              text: String(labels.text),
            }));
          },
          arrived: () => server.count(metric),
        };
      },
    };
  },
};
export default connector;
