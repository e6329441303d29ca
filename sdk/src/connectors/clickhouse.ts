import type { Columns } from "../expr/expr.js";
import type { Parquet } from "../formats/parquet.js";
import type { Shape } from "../schema/type.js";
import { type Json, json, type RecordPart, type Sink } from "./connector.js";
import { CONTENT_TYPES, type HttpConnection, httpSink } from "./http.js";

/**
 * Which table of ClickHouse rows go to, and how.
 *
 * ```ts
 * import { type ClickHouseOptions, clickhouse, env, schema, t } from "millrace";
 * const Total = schema({ channel: t.string(), total: t.int64() });
 * const options: ClickHouseOptions<typeof Total.shape> = {
 *   endpoints: ["http://ch-1:8123", "http://ch-2:8123"],
 *   table: "totals",
 *   auth: { username: "millrace", password: env("CLICKHOUSE_PASSWORD", "") },
 *   key: (row) => row.channel,
 * };
 * const sink = clickhouse(options);
 * ```
 */
export interface ClickHouseOptions<S extends Shape> extends HttpConnection {
  readonly table: string;
  readonly database?: string;
  /** How rows are sent: `json` (the default), or `parquet`, which ClickHouse 18.16 does not read. */
  readonly format?: Json | Parquet;
  /** Chooses the server: rows of the same key go to the same. */
  readonly key?: (row: Columns<S>) => RecordPart;
  /** Settings of each INSERT. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /**
   * Sends the key of a request as `insert_deduplication_token`, so that a table that deduplicates takes a request that is
   * sent again only once: true by default. ClickHouse before 22.2 does not know it.
   */
  readonly deduplicate?: boolean;
}

/**
 * Inserts rows into a table of ClickHouse, whose columns have the names of those of the stream. A batch has up to 100,000 rows or
 * 10MB and waits for at most a second, unless `batch` says otherwise.
 *
 * ```ts
 * import { clickhouse, generator, job } from "millrace";
 * export default job("bids-to-clickhouse", (j) =>
 *   j.source(generator.bids()).to(clickhouse({ url: "http://localhost:8123", table: "bids", compression: "zstd" })),
 * );
 * ```
 */
export function clickhouse<S extends Shape>(options: ClickHouseOptions<S>): Sink<S> {
  const { table, database, key, format = json(), settings = {}, deduplicate = true } = options;
  const into = [database, table].filter((name) => name !== undefined).map(quoted);
  const sent = SENT[format.format];
  const query: Record<string, string> = {
    query: `INSERT INTO ${into.join(".")} FORMAT ${sent.name}`,
  };
  for (const [name, value] of Object.entries(settings)) query[name] = String(value);
  const batch = { rows: 100_000, bytes: "10MB", linger: "1s", ...options.batch } as const;
  return httpSink(
    "clickhouse",
    { concurrency: 2, ...options, batch },
    {
      method: "POST",
      body: sent.body,
      contentType: CONTENT_TYPES[format.format],
      ...("config" in format ? { format: format.config } : {}),
      dialect: "clickhouse",
      isIdempotent: deduplicate,
      keyParameter: deduplicate ? "insert_deduplication_token" : undefined,
      query,
      ...(key === undefined ? {} : { key }),
    },
  );
}

/** What an INSERT calls the formats, and how their rows stand in it. */
const SENT = {
  json: { name: "JSONEachRow", body: "lines" },
  parquet: { name: "Parquet", body: "parquet" },
} as const;

/** "database.table" names both, as in SQL. */
function quoted(name: string): string {
  return name
    .split(".")
    .map((part) => `\`${part.replaceAll(/[\\`]/g, "\\$&")}\``)
    .join(".");
}
