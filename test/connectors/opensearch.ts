// Documents by their ids: those that come again overwrite themselves.
import { opensearch, t } from "millrace";
import type { Connector } from "../conformance/connector.js";
import { life } from "../conformance/life.js";
import { type Row, rowOf } from "../conformance/rows.js";
import { OpenSearch } from "../harness/opensearch.js";
import { delivery, nobodyAt } from "./delivery.js";

const connector: Connector = {
  name: "opensearch",
  sink: {
    guarantee: "idempotent",
    to: (at) =>
      opensearch({
        url: at.env("URL"),
        index: at.env("INDEX"),
        id: (row) => row.id.cast(t.string()),
        ...delivery(at),
      }),
  },
  async start() {
    const server = await OpenSearch.start();
    let places = 0;
    return {
      ...life(server),
      async openSink() {
        const index = `rows_${places++}`;
        const properties = { id: { type: "long" }, key: { type: "integer" }, text: { type: "keyword" } };
        await server.call("PUT", `/${index}`, { settings: { number_of_replicas: 0 }, mappings: { properties } });
        return {
          env: { URL: server.url, INDEX: index },
          wrong: [await nobodyAt("URL")],
          rows: async () => [...(await server.documents<Row>(index)).values()],
          arrived: () => server.count(index),
          refused: { row: { ...rowOf(0), key: "no number" }, says: /refused the row .*Correct it, or set onBadRecord/ },
        };
      },
    };
  },
};
export default connector;
