import type { prometheus } from "millrace";
import type { Connector, Server } from "../conformance/connector.js";
import { delivery, nobodyAt } from "./delivery.js";

/** A server of time series, as a client sees it that shares no code with Millrace. */
export interface SeriesServer {
  /** It is not paused: the rows of that check would be a hundred thousand series with long labels, more than it stands. */
  readonly life: Pick<Server, "stop" | "kill" | "restart">;
  readonly url: string;
  /** All series of a metric, with their samples: time and value. */
  samples(metric: string): Promise<{ labels: Record<string, string>; values: [number, number][] }[]>;
  /** How many samples there are. */
  count(metric: string): Promise<number>;
}

/** The connector of a server that takes Prometheus's remote write: samples of a series for each row. */
export function remoteWrite(name: string, to: typeof prometheus, start: () => Promise<SeriesServer>): Connector {
  return {
    name,
    sink: {
      guarantee: "idempotent",
      to: (at) =>
        to({
          url: at.env("URL"),
          path: at.env("URL_PATH", "/api/v1/write"),
          metric: at.env("METRIC"),
          labels: ["key", "text"],
          value: "id",
          time: "id",
          ...delivery(at),
        }),
    },
    async start() {
      const server = await start();
      let places = 0;
      return {
        ...server.life,
        async openSink() {
          const metric = `rows_${places++}`;
          return {
            env: { URL: server.url, METRIC: metric },
            wrong: [
              await nobodyAt("URL"),
              { what: "a wrong path", env: { URL_PATH: "/api/none" }, says: /HTTP sink: .*status 4\d\d.*Check/ },
            ],
            async rows() {
              const found = await server.samples(metric);
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
}
