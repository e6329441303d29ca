import { configOf, type Format } from "../formats/format.js";
import type { Sink } from "./connector.js";

/**
 * Writes a line a row to standard output.
 *
 * ```ts
 * import { json, stdout } from "millrace";
 * const sink = stdout({ format: json() });
 * ```
 */
export function stdout(options: { readonly format: Format }): Sink {
  return { role: "sink", name: "stdout", config: { kind: "stdout" }, ...configOf(options.format) };
}

/**
 * Shows the latest rows in the terminal.
 *
 * ```ts
 * import { table } from "millrace";
 * const sink = table({ title: "Revenue by channel" });
 * ```
 */
export function table(options: { readonly title?: string } = {}): Sink {
  return { role: "sink", name: "table", config: { kind: "table", title: options.title ?? "" } };
}
