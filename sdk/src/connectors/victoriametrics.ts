import type { Shape } from "../schema/type.js";
import type { Sink } from "./connector.js";
import { type HttpConnection, httpSink } from "./http.js";
import { remoteWrite, type SampleOptions, withVersion } from "./prometheus.js";

/**
 * How to reach VictoriaMetrics, and which columns make a sample.
 *
 * ```ts
 * import { schema, t, type VictoriaMetricsOptions, victoriametrics } from "millrace";
 * const Reading = schema({ at: t.timestamp("ms"), room: t.string(), celsius: t.float64() });
 * const options: VictoriaMetricsOptions<typeof Reading.shape> = {
 *   url: "http://localhost:8428",
 *   metric: "room_temperature_celsius",
 *   labels: ["room"],
 *   value: "celsius",
 *   time: "at",
 * };
 * const sink = victoriametrics(options);
 * ```
 */
export type VictoriaMetricsOptions<S extends Shape> = HttpConnection & SampleOptions<S>;

/**
 * Sends rows to VictoriaMetrics as samples, by Prometheus's remote write, in any order. Its cluster takes them at another `path`, such as
 * "/insert/0/prometheus/api/v1/write".
 *
 * ```ts
 * import { generator, job, victoriametrics } from "millrace";
 * export default job("bids-to-victoriametrics", (j) =>
 *   j.source(generator.bids()).to(
 *     victoriametrics({
 *       url: "http://localhost:8428",
 *       metric: "bid_price",
 *       labels: ["channel"],
 *       value: "price",
 *       time: "dateTime",
 *     }),
 *   ),
 * );
 * ```
 */
export function victoriametrics<S extends Shape>(options: VictoriaMetricsOptions<S>): Sink<S> {
  return httpSink("victoriametrics", withVersion(options), remoteWrite(options));
}
