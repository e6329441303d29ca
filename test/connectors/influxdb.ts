// Points of a measurement, by the interface of version 2: those that come again overwrite themselves.
import { influxdb } from "millrace";
import type { Connector } from "../conformance/connector.js";
import { life } from "../conformance/life.js";
import { InfluxDb } from "../harness/influxdb.js";
import { delivery, nobodyAt } from "./delivery.js";

const connector: Connector = {
  name: "influxdb",
  sink: {
    guarantee: "idempotent",
    to: (at) =>
      influxdb({
        url: at.env("URL"),
        bucket: at.env("BUCKET"),
        measurement: at.env("MEASUREMENT"),
        tags: ["key"],
        fields: ["text"],
        time: "id",
        precision: "ms",
        ...delivery(at),
      }),
  },
  async start() {
    const server = await InfluxDb.start();
    let places = 0;
    return {
      ...life(server),
      async openSink() {
        const measurement = `rows_${places++}`;
        return {
          env: { URL: server.url, BUCKET: `${server.database}/autogen`, MEASUREMENT: measurement },
          wrong: [
            await nobodyAt("URL"),
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
