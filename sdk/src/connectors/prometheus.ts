import type { Columns } from "../expr/expr.js";
import type { FormatConfig } from "../formats/config.js";
import type { Shape } from "../schema/type.js";
import type { RecordPart, Sink } from "./connector.js";
import { type HttpConnection, type HttpDialect, httpSink } from "./http.js";

/**
 * Which columns make a sample of a time series.
 *
 * ```ts
 * import { prometheus, type SampleOptions, schema, t } from "millrace";
 * const Reading = schema({ at: t.timestamp("ms"), room: t.string(), celsius: t.float64() });
 * const sample: SampleOptions<typeof Reading.shape> = {
 *   metric: "room_temperature_celsius",
 *   labels: ["room"],
 *   value: "celsius",
 *   time: "at",
 * };
 * const sink = prometheus({ url: "http://localhost:9090", ...sample });
 * ```
 */
export interface SampleOptions<S extends Shape> {
  /** A name, or the column that holds it. */
  readonly metric: string | { readonly column: keyof S & string };
  /** Columns, which the labels are called after; nulls and empty texts are left out. */
  readonly labels?: readonly (keyof S & string)[];
  /** A number; rows without it are not sent. */
  readonly value: keyof S & string;
  readonly time: keyof S & string;
  /** Chooses the server: rows of the same key go to the same. Samples of one series have to. */
  readonly key?: (row: Columns<S>) => RecordPart;
  /** Behind the URL: "/api/v1/write" by default. */
  readonly path?: string;
}

/**
 * How to reach Prometheus, and which columns make a sample.
 *
 * ```ts
 * import { type PrometheusOptions, prometheus, schema, t } from "millrace";
 * const Total = schema({ start: t.timestamp("ms"), channel: t.string(), bids: t.int64() });
 * const options: PrometheusOptions<typeof Total.shape> = {
 *   url: "http://localhost:9090",
 *   metric: { column: "channel" },
 *   value: "bids",
 *   time: "start",
 * };
 * const sink = prometheus(options);
 * ```
 */
export type PrometheusOptions<S extends Shape> = HttpConnection & SampleOptions<S>;

/**
 * Sends rows to Prometheus as samples, by remote write. Requests of one slot arrive in their order, as samples of a series have to,
 * unless `ordered` is false.
 *
 * ```ts
 * import { count, generator, job, prometheus, tumbling } from "millrace";
 * export default job("bids-to-prometheus", (j) =>
 *   j
 *     .source(generator.bids())
 *     .eventTime((bid) => bid.dateTime)
 *     .keyBy((bid) => bid.channel)
 *     .window(tumbling("10s"))
 *     .aggregate((_, w) => ({ at: w.start, bids: count() }))
 *     .to(prometheus({ url: "http://localhost:9090", metric: "bids", labels: ["channel"], value: "bids", time: "at" })),
 * );
 * ```
 */
export function prometheus<S extends Shape>(options: PrometheusOptions<S>): Sink<S> {
  return httpSink("prometheus", withVersion({ ordered: true, ...options }), remoteWrite(options));
}

/** Prometheus asks for it. */
export function withVersion<T extends HttpConnection>(options: T): T {
  return { ...options, headers: { "x-prometheus-remote-write-version": "0.1.0", ...options.headers } };
}

export function remoteWrite<S extends Shape>(options: SampleOptions<S>): HttpDialect<S> {
  const { metric, labels = [], value, time, key, path = "/api/v1/write" } = options;
  const series = { name: metric, labels, values: [value], time, unit: "ms", dialect: "influx" } as const;
  return {
    method: "POST",
    body: "joined",
    contentType: "application/x-protobuf",
    dialect: "prometheus",
    format: { kind: "remoteWrite", ...series } satisfies FormatConfig,
    compression: "snappy",
    isIdempotent: true,
    path,
    ...(key === undefined ? {} : { key }),
  };
}
