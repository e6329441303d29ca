// Two servers of Node's http.
import { http, json } from "millrace";
import type { Connector } from "../conformance/connector.js";
import { parseRow, rowOf } from "../conformance/rows.js";
import { HttpEndpoint, type Reaction, type Taken } from "../harness/http-endpoint.js";
import { delivery, nobodyAt } from "./delivery.js";

const ENDPOINTS = 2;
const REFUSED = "refuse me";

const connector: Connector = {
  name: "http",
  sink: {
    guarantee: "at-least-once",
    to: (at) =>
      http({
        endpoints: at.env("ENDPOINTS").split(","),
        format: json(),
        key: (row) => row.key,
        headers: { authorization: at.env("AUTHORIZATION", "Bearer right") },
        ...delivery(at),
        batch: { rows: 500, linger: "50ms" },
        timeout: { connect: "1s", response: "1s" },
      }),
  },
  async start() {
    const endpoints = await HttpEndpoint.start(ENDPOINTS);
    let isPaused = false;
    let places = 0;
    const react = ({ headers, rows }: Taken): Reaction => {
      if (isPaused) return "hang";
      if (headers.authorization !== "Bearer right") return { status: 401 };
      return rows.some((row) => row.includes(REFUSED)) ? { status: 422, text: "unlucky" } : "take";
    };
    for (const endpoint of endpoints) endpoint.react = react;
    return {
      stop: () => Promise.all(endpoints.map((endpoint) => endpoint.stop())).then(() => undefined),
      pause: () => {
        isPaused = true;
      },
      resume: () => {
        isPaused = false;
      },
      kill: () => Promise.all(endpoints.map((endpoint) => endpoint.stop())).then(() => undefined),
      restart: () => Promise.all(endpoints.map((endpoint) => endpoint.start())).then(() => undefined),
      async openSink() {
        const place = `/place-${places++}`;
        const rows = () =>
          endpoints.flatMap(({ taken }) =>
            taken.filter(({ path }) => path.endsWith(place)).flatMap(({ rows }) => rows),
          );
        return {
          env: { ENDPOINTS: endpoints.map(({ url }) => `${url}${place}`).join(",") },
          wrong: [
            await nobodyAt("ENDPOINTS"),
            {
              what: "a wrong token",
              env: { AUTHORIZATION: "Bearer wrong" },
              says: /HTTP sink: http:\/\/127[^ ]+ .*401/,
            },
          ],
          rows: async () => rows().map(parseRow),
          arrived: async () => rows().length,
          refused: {
            row: { ...rowOf(0), text: REFUSED },
            says: /refused the row .*: status 422: unlucky\. Correct it, or set onBadRecord/,
          },
        };
      },
    };
  },
};
export default connector;
