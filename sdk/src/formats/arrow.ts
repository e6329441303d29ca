import type { FormatConfig } from "./config.js";

/**
 * Arrow, for the bodies of HTTP requests. Made by `arrow`.
 *
 * ```ts
 * import { type Arrow, arrow, http } from "millrace";
 * const format: Arrow = arrow();
 * const sink = http({ url: "http://localhost:8080/rows", format });
 * ```
 */
export interface Arrow {
  readonly format: "arrow";
  readonly config: FormatConfig;
}

/**
 * Columns: the body of a request is a stream of Arrow's IPC format with all of its rows.
 *
 * ```ts
 * import { arrow, generator, http, job } from "millrace";
 * export default job("columns", (j) =>
 *   j.source(generator.bids()).to(http({ url: "http://localhost:8080/bids", format: arrow(), compression: "zstd" })),
 * );
 * ```
 */
export function arrow(): Arrow {
  return { format: "arrow", config: { kind: "arrow" } };
}
