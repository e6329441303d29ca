// Rows to tables of ClickHouse, by key. Every thousandth has a day that is none.
import {
  clickhouse,
  type Duration,
  env,
  generator,
  type HttpConnection,
  job,
  json,
  lit,
  type ParquetOptions,
  parquet,
  t,
  when,
} from "millrace";

const options = JSON.parse(env("OPTIONS", "{}")) as Partial<HttpConnection>;

/** How Parquet is compressed; JSON without. */
const columns = env("PARQUET", "") as "" | NonNullable<ParquetOptions["compression"]>;

export default job(
  "clickhouse",
  (j) =>
    j
      .source(generator.bids({ count: Number(env("COUNT")), startTime: 0, eventsPerSecond: 1000, keys: 1000 }))
      .select((bid) => ({
        id: bid.dateTime.epochMilliseconds(),
        key: bid.auction.cast(t.string()),
        at: bid.dateTime.epochMilliseconds().div(1000),
        day: when(bid.dateTime.epochMilliseconds().mod(1000).eq(7), lit("no day")).otherwise(lit("2026-01-01")),
      }))
      .to(
        clickhouse({
          endpoints: env("SERVERS").split(","),
          table: "rows",
          format: columns === "" ? json() : parquet({ compression: columns }),
          auth: { username: env("CLICKHOUSE_USER"), password: env("CLICKHOUSE_PASSWORD") },
          key: (row) => row.key,
          compression: "gzip",
          // The server of the tests is older than these tokens.
          deduplicate: false,
          batch: { rows: 1000, linger: "50ms" as Duration },
          retry: { delay: "20ms", maxDelay: "200ms" },
          onBadRecord: "skip",
          ...options,
        }),
      ),
  { parallelism: 2, commitInterval: "200ms", restart: "never" },
);
