// Documents by their ids: those that come again overwrite themselves.
import { type Duration, opensearch, t } from "millrace";
import type { Connector } from "../conformance/connector.js";
import { type Row, rowOf } from "../conformance/rows.js";
import { OpenSearch } from "../harness/opensearch.js";
import { freePorts } from "../harness/ports.js";

const connector: Connector = {
  name: "opensearch",
  sink: {
    guarantee: "idempotent",
    to: ({ env, onBadRecord }) =>
      opensearch({
        url: env("URL"),
        index: env("INDEX"),
        id: (row) => row.id.cast(t.string()),
        batch: { rows: 1000, linger: "50ms" },
        timeout: { connect: "1s", response: "2s" },
        retry: { delay: "20ms", maxDelay: "200ms", giveUpAfter: env("GIVE_UP_AFTER", "5m") as Duration },
        onBadRecord,
      }),
  },
  async start() {
    const server = await OpenSearch.start();
    const [nobody] = await freePorts(1);
    let places = 0;
    return {
      stop: () => server.stop(),
      pause: () => server.pause(),
      resume: () => server.resume(),
      kill: () => server.kill(),
      restart: () => server.restart(),
      async openSink() {
        const index = `rows_${places++}`;
        const properties = { id: { type: "long" }, key: { type: "integer" }, text: { type: "keyword" } };
        await server.call("PUT", `/${index}`, { settings: { number_of_replicas: 0 }, mappings: { properties } });
        return {
          env: { URL: server.url, INDEX: index },
          wrong: [
            {
              what: "nobody at the address",
              env: { URL: `http://127.0.0.1:${nobody}`, GIVE_UP_AFTER: "500ms" },
              says: /HTTP sink: http:\/\/127[^ ]+ has not taken a request in .* attempts.*ECONNREFUSED/,
            },
          ],
          rows: async () => [...(await server.documents<Row>(index)).values()],
          arrived: () => server.count(index),
          refused: { row: { ...rowOf(0), key: "no number" }, says: /refused the row .*Correct it, or set onBadRecord/ },
        };
      },
    };
  },
};
export default connector;
