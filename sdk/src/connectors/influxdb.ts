import type { Columns } from "../expr/expr.js";
import { lineProtocol } from "../formats/line-protocol.js";
import type { Shape, TimeUnit } from "../schema/type.js";
import type { RecordPart, Sink } from "./connector.js";
import { type HttpConnection, httpSink } from "./http.js";
import type { Secret } from "./secret.js";

/**
 * Where rows go in InfluxDB, and which columns are tags: to a `bucket` by the interface of version 2 and later, or to a
 * `database` by that of version 1.
 *
 * ```ts
 * import { env, type InfluxDbOptions, influxdb, schema, t } from "millrace";
 * const Reading = schema({ at: t.timestamp("ms"), room: t.string(), celsius: t.float64() });
 * const options: InfluxDbOptions<typeof Reading.shape> = {
 *   url: "http://localhost:8086",
 *   org: "home",
 *   bucket: "climate",
 *   token: env("INFLUX_TOKEN", ""),
 *   measurement: "rooms",
 *   tags: ["room"],
 *   time: "at",
 * };
 * const sink = influxdb(options);
 * ```
 */
export type InfluxDbOptions<S extends Shape> = HttpConnection &
  InfluxDbPlace & {
    /** A name, or the column that holds it. */
    readonly measurement: string | { readonly column: keyof S & string };
    readonly tags?: readonly (keyof S & string)[];
    /** The columns that are written; all, without it. */
    readonly fields?: readonly (keyof S & string)[];
    readonly time: keyof S & string;
    /** In which times are stored: "ns" by default. */
    readonly precision?: TimeUnit;
    /** Goes along as "Token …". */
    readonly token?: Secret;
    /** Chooses the server: rows of the same key go to the same. */
    readonly key?: (row: Columns<S>) => RecordPart;
  };

/**
 * A bucket, or a database.
 *
 * ```ts
 * import { type InfluxDbPlace, influxdb } from "millrace";
 * const place: InfluxDbPlace = { database: "climate", retentionPolicy: "a_year" };
 * const sink = influxdb({ url: "http://localhost:8086", ...place, measurement: "rooms", time: "at" });
 * ```
 */
export type InfluxDbPlace =
  | { readonly bucket: string; readonly org?: string }
  | { readonly database: string; readonly retentionPolicy?: string };

/**
 * Writes rows to InfluxDB as points. A point that is written again, with the same tags and time, overwrites itself.
 *
 * ```ts
 * import { generator, influxdb, job } from "millrace";
 * export default job("bids-to-influxdb", (j) =>
 *   j.source(generator.bids()).to(
 *     influxdb({
 *       url: "http://localhost:8086",
 *       database: "auctions",
 *       measurement: "bids",
 *       tags: ["channel"],
 *       fields: ["price"],
 *       time: "dateTime",
 *     }),
 *   ),
 * );
 * ```
 */
export function influxdb<S extends Shape>(options: InfluxDbOptions<S>): Sink<S> {
  const { measurement, tags = [], fields = [], time, precision = "ns", token, key } = options;
  const query: Record<string, string> = {};
  if ("bucket" in options) {
    if (options.org !== undefined) query.org = options.org;
    Object.assign(query, { bucket: options.bucket, precision });
  } else {
    query.db = options.database;
    if (options.retentionPolicy !== undefined) query.rp = options.retentionPolicy;
    query.precision = precision === "us" ? "u" : precision;
  }
  return httpSink(
    "influxdb",
    { concurrency: 2, ...options },
    {
      method: "POST",
      body: "lines",
      contentType: "text/plain; charset=utf-8",
      dialect: "influx",
      format: lineProtocol({ measurement, tags, fields, time, precision }).config,
      isIdempotent: true,
      path: "bucket" in options ? "/api/v2/write" : "/write",
      query,
      ...(token === undefined ? {} : { auth: { token } }),
      ...(key === undefined ? {} : { key }),
    },
  );
}
