import type { Columns } from "../expr/expr.js";
import type { Shape } from "../schema/type.js";
import type { RecordPart, Sink } from "./connector.js";
import { type HttpConnection, httpSink } from "./http.js";

/**
 * Which index of OpenSearch or Elasticsearch rows go to, and under which ids.
 *
 * ```ts
 * import { type OpenSearchOptions, opensearch, schema, t } from "millrace";
 * const Order = schema({ id: t.string(), total: t.float64(), revision: t.int64() });
 * const options: OpenSearchOptions<typeof Order.shape> = {
 *   url: "https://localhost:9200",
 *   index: "orders",
 *   id: (order) => order.id,
 *   version: (order) => order.revision.cast(t.string()),
 * };
 * const sink = opensearch(options);
 * ```
 */
export interface OpenSearchOptions<S extends Shape> extends HttpConnection {
  readonly index: string;
  /** The document's `_id`: a row that is written again overwrites itself. Without it every row is a new document. */
  readonly id?: (row: Columns<S>) => RecordPart;
  /** A whole number as text: a row does not overwrite one of the same id and a greater version, in whatever order they come. */
  readonly version?: (row: Columns<S>) => RecordPart;
}

/**
 * Writes rows as documents, by the bulk API of OpenSearch and Elasticsearch. Rows that are refused go where `onBadRecord`
 * says, each by itself; those that are turned down for now are sent again.
 *
 * ```ts
 * import { generator, job, opensearch, t } from "millrace";
 * export default job("auctions-to-opensearch", (j) =>
 *   j
 *     .source(generator.auctions())
 *     .to(opensearch({ url: "http://localhost:9200", index: "auctions", id: (auction) => auction.id.cast(t.string()) })),
 * );
 * ```
 */
export function opensearch<S extends Shape>(options: OpenSearchOptions<S>): Sink<S> {
  const { index, id, version } = options;
  return httpSink(
    "opensearch",
    { concurrency: 2, ...options },
    {
      method: "POST",
      body: "bulk",
      contentType: "application/x-ndjson",
      dialect: "bulk",
      isIdempotent: id !== undefined,
      path: `/${encodeURIComponent(index)}/_bulk`,
      ...(id === undefined ? {} : { key: id }),
      ...(version === undefined ? {} : { headers: (row: Columns<S>) => ({ version: version(row) }) }),
    },
  );
}
