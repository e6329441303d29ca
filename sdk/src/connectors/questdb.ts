import type { Columns } from "../expr/expr.js";
import { lineProtocol } from "../formats/line-protocol.js";
import type { Shape, TimeUnit } from "../schema/type.js";
import type { RecordPart, Sink } from "./connector.js";
import { type HttpConnection, httpSink } from "./http.js";

/**
 * Which table of QuestDB rows go to, and which columns are symbols.
 *
 * ```ts
 * import { type QuestDbOptions, questdb, schema, t } from "millrace";
 * const Trade = schema({ at: t.timestamp("us"), pair: t.string(), price: t.float64() });
 * const options: QuestDbOptions<typeof Trade.shape> = {
 *   url: "http://localhost:9000",
 *   table: "trades",
 *   symbols: ["pair"],
 *   time: "at",
 * };
 * const sink = questdb(options);
 * ```
 */
export interface QuestDbOptions<S extends Shape> extends HttpConnection {
  /** A name, or the column that holds it. */
  readonly table: string | { readonly column: keyof S & string };
  readonly symbols?: readonly (keyof S & string)[];
  /** The columns that are written; all, without it. */
  readonly columns?: readonly (keyof S & string)[];
  /** The designated timestamp. */
  readonly time: keyof S & string;
  /** In which times are sent, and integers are read as such: "ns" by default. */
  readonly precision?: TimeUnit;
  /** Chooses the server: rows of the same key go to the same. */
  readonly key?: (row: Columns<S>) => RecordPart;
}

/**
 * Writes rows to a table of QuestDB, by line protocol over HTTP. A request is taken whole or not at all.
 *
 * ```ts
 * import { generator, job, questdb } from "millrace";
 * export default job("bids-to-questdb", (j) =>
 *   j
 *     .source(generator.bids())
 *     .to(questdb({ url: "http://localhost:9000", table: "bids", symbols: ["channel"], time: "dateTime" })),
 * );
 * ```
 */
export function questdb<S extends Shape>(options: QuestDbOptions<S>): Sink<S> {
  const { table, symbols = [], columns = [], time, precision = "ns", key } = options;
  const written = { measurement: table, tags: symbols, fields: columns, time, precision, dialect: "questdb" } as const;
  return httpSink(
    "questdb",
    { concurrency: 2, ...options },
    {
      method: "POST",
      body: "lines",
      contentType: "text/plain; charset=utf-8",
      dialect: "influx",
      format: lineProtocol(written).config,
      path: "/write",
      ...(precision === "ns" ? {} : { query: { precision } }),
      ...(key === undefined ? {} : { key }),
    },
  );
}
