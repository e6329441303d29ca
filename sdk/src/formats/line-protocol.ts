import type { TimeUnit } from "../schema/type.js";
import type { FormatConfig } from "./config.js";

/**
 * Which columns are what in line protocol.
 *
 * ```ts
 * import { http, type LineProtocolOptions, lineProtocol } from "millrace";
 * const options: LineProtocolOptions = {
 *   measurement: { column: "sensor" },
 *   tags: ["room"],
 *   fields: ["celsius"],
 *   time: "at",
 *   precision: "ms",
 * };
 * const sink = http({ url: "http://localhost:8086/write?db=home&precision=ms", format: lineProtocol(options) });
 * ```
 */
export interface LineProtocolOptions<Name extends string = string> {
  /** A text, or the column that holds it. */
  readonly measurement: string | { readonly column: Name };
  readonly tags?: readonly Name[];
  /** All columns that are nothing else, without it. */
  readonly fields?: readonly Name[];
  /** A timestamp, or an integer in the precision that is written. */
  readonly time: Name;
  /** The unit in which times are written, of which the endpoint has to know: "ns" by default. */
  readonly precision?: TimeUnit;
  /** How names are escaped: as InfluxDB reads them, by default. */
  readonly dialect?: "influx" | "questdb";
}

/**
 * Line protocol, for the bodies of HTTP requests. Made by `lineProtocol`.
 *
 * ```ts
 * import { http, type LineProtocol, lineProtocol } from "millrace";
 * const format: LineProtocol = lineProtocol({ measurement: "rooms", time: "at" });
 * const sink = http({ url: "http://localhost:8086/write?db=home", format });
 * ```
 */
export interface LineProtocol {
  readonly format: "lineProtocol";
  readonly config: FormatConfig;
}

/**
 * InfluxDB's line protocol, a row a line. Nulls are left out, and floats that are not finite.
 *
 * ```ts
 * import { generator, http, job, lineProtocol } from "millrace";
 * export default job("bids-as-lines", (j) =>
 *   j.source(generator.bids()).to(
 *     http({
 *       url: "http://localhost:8086/write?db=auctions",
 *       format: lineProtocol({ measurement: "bids", tags: ["channel"], fields: ["price"], time: "dateTime" }),
 *     }),
 *   ),
 * );
 * ```
 */
export function lineProtocol<Name extends string>(options: LineProtocolOptions<Name>): LineProtocol {
  const { measurement, tags = [], fields = [], time, precision = "ns", dialect = "influx" } = options;
  const config = { name: measurement, labels: tags, values: fields, time, unit: precision, dialect };
  return { format: "lineProtocol", config: { kind: "lineProtocol", ...config } };
}
