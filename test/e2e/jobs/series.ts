// Rows of time series to a server of the kind that SINK names. Every thousandth is one that it cannot take.
import {
  deadLetter,
  env,
  files,
  generator,
  type HttpConnection,
  influxdb,
  job,
  json,
  lit,
  prometheus,
  questdb,
  type Sink,
  schema,
  t,
  victoriametrics,
  when,
} from "millrace";

const Row = schema({
  at: t.timestamp("ms"),
  table: t.string(),
  key: t.string(),
  id: t.int64(),
  value: t.float64(),
  ms: t.int64(),
});
type RowSink = Sink<typeof Row.shape>;

const MONTH_MS = 30 * 24 * 3_600_000;
const startTime = Number(env("START"));
const dead = env("DEAD", "");
const connection: HttpConnection = {
  url: env("URL"),
  batch: { rows: 500, linger: "50ms" },
  timeout: { response: "2s" },
  retry: { delay: "20ms", maxDelay: "200ms" },
  breaker: { failures: 5, pause: "200ms" },
  ...(dead === ""
    ? {}
    : { onBadRecord: deadLetter(files({ directory: dead, format: json(), rollInterval: "200ms" })) }),
  ...(JSON.parse(env("OPTIONS", "{}")) as Partial<HttpConnection>),
};
const sample = { metric: "rows", labels: ["key"], value: "value", time: "ms" } as const;
const point = { tags: ["key"], fields: ["id", "value"], time: "at" } as const;

const SINKS: Record<string, () => RowSink> = {
  questdb: () =>
    questdb({ ...connection, table: { column: "table" }, symbols: ["key"], columns: point.fields, time: "at" }),
  influxdb: () => influxdb({ ...connection, database: "rows", measurement: { column: "table" }, ...point }),
  "influxdb 2": () =>
    influxdb({
      ...connection,
      bucket: "rows/autogen",
      token: "t",
      measurement: { column: "table" },
      ...point,
      precision: "ms",
    }),
  prometheus: () => prometheus({ ...connection, ...sample }),
  victoriametrics: () => victoriametrics({ ...connection, ...sample }),
};

export default job(
  "series",
  (j) =>
    j
      .source(
        generator.bids({
          count: Number(env("COUNT")),
          startTime,
          eventsPerSecond: 1000,
          keys: 100,
        }),
      )
      // A millisecond from one event to the next: it numbers them.
      .select((bid) => ({ at: bid.dateTime, key: bid.auction.cast(t.string()), ms: bid.dateTime.epochMilliseconds() }))
      .select((row) => ({ at: row.at, key: row.key, ms: row.ms, id: row.ms.sub(startTime) }))
      .select((row) => ({
        at: row.at,
        table: when(row.id.mod(1000).eq(7), lit("taken")).otherwise(lit("rows")),
        key: row.key,
        id: row.id,
        value: row.id.cast(t.float64()).div(2),
        ms: when(
          row.id
            .mod(1000)
            .eq(7)
            .and(lit(env("SINK") === "prometheus")),
          row.ms.sub(MONTH_MS),
        ).otherwise(row.ms),
      }))
      .to((SINKS[env("SINK")] as () => RowSink)()),
  { parallelism: 2, commitInterval: "200ms", restart: "never" },
);
