// Points of a measurement, by the interface of version 2: those that come again overwrite themselves.
import { type Duration, influxdb } from "millrace";
import type { Connector } from "../conformance/connector.js";
import { InfluxDb } from "../harness/influxdb.js";
import { freePorts } from "../harness/ports.js";

const connector: Connector = {
  name: "influxdb",
  sink: {
    guarantee: "idempotent",
    to: ({ env, onBadRecord }) =>
      influxdb({
        url: env("URL"),
        bucket: env("BUCKET"),
        measurement: env("MEASUREMENT"),
        tags: ["key"],
        fields: ["text"],
        time: "id",
        precision: "ms",
        batch: { rows: 1000, linger: "50ms" },
        timeout: { connect: "1s", response: "2s" },
        retry: { delay: "20ms", maxDelay: "200ms", giveUpAfter: env("GIVE_UP_AFTER", "5m") as Duration },
        onBadRecord,
      }),
  },
  async start() {
    const server = await InfluxDb.start();
    const [nobody] = await freePorts(1);
    let places = 0;
    return {
      stop: () => server.stop(),
      pause: () => server.pause(),
      resume: () => server.resume(),
      kill: () => server.kill(),
      restart: () => server.restart(),
      async openSink() {
        const measurement = `rows_${places++}`;
        return {
          env: { URL: server.url, BUCKET: `${server.database}/autogen`, MEASUREMENT: measurement },
          wrong: [
            {
              what: "nobody at the address",
              env: { URL: `http://127.0.0.1:${nobody}`, GIVE_UP_AFTER: "500ms" },
              says: /HTTP sink: http:\/\/127[^ ]+ has not taken a request in .* attempts.*ECONNREFUSED/,
            },
            {
              what: "no such bucket",
              env: { BUCKET: "nowhere/autogen" },
              says: /HTTP sink: .*404: .*nowhere.*Check the database or bucket/,
            },
          ],
          async rows() {
            const found = await server.query(`SELECT "key", text FROM ${measurement}`);
            return found.map(([id, key, text]) => ({ id: Number(id), key: String(key), text: String(text) }));
          },
          arrived: async () => Number((await server.query(`SELECT count(text) FROM ${measurement}`))[0]?.[1] ?? 0),
        };
      },
    };
  },
};
export default connector;
