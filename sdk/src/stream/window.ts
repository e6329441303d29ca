import { type Duration, milliseconds } from "../duration.js";
import { PlanError } from "../errors.js";
import type { WindowConfig } from "../plan/node.js";

/**
 * How a keyed stream is cut into windows.
 *
 * ```ts
 * import { hopping, tumbling, type Window } from "millrace";
 * const windows: Record<string, Window> = { hourly: tumbling("1h"), sliding: hopping("1h", "5m") };
 * ```
 */
export interface Window {
  /** As `explain` calls it: "tumbling 10s". */
  readonly name: string;
  readonly config: WindowConfig;
}

/**
 * Windows one after the other. They start at multiples of `size` since the epoch, plus `offset`.
 *
 * ```ts
 * import { tumbling } from "millrace";
 * const days = tumbling("1d", { offset: "6h" });
 * ```
 */
export function tumbling(size: Duration, options: { readonly offset?: Duration } = {}): Window {
  return window(`tumbling ${size}`, size, size, options.offset);
}

/**
 * Windows of `size` that start every `slide`: each event is in several of them.
 *
 * ```ts
 * import { hopping } from "millrace";
 * const lastMinute = hopping("1m", "10s");
 * ```
 */
export function hopping(size: Duration, slide: Duration, options: { readonly offset?: Duration } = {}): Window {
  return window(`hopping ${size} / ${slide}`, size, slide, options.offset);
}

function window(name: string, size: Duration, slide: Duration, offset: Duration = "0s"): Window {
  const config = {
    size: milliseconds(size, "window size"),
    slide: milliseconds(slide, "window slide"),
    offset: milliseconds(offset, "window offset"),
  };
  if (config.size === 0 || config.slide === 0)
    throw new PlanError("a window is longer than nothing", `window(${name})`);
  if (config.slide > config.size) {
    throw new PlanError("it slides by more than its size: events between windows would be lost", `window(${name})`);
  }
  return { name, config };
}
