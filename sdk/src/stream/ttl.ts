import { type Duration, milliseconds } from "../duration.js";
import { PlanError } from "../errors.js";

/**
 * When state of a key is forgotten: once it has not been used for so long, by the machine's clock.
 *
 * ```ts
 * import { type Ttl, ttl } from "millrace";
 * const session: Ttl = ttl("30m", { update: "onReadWrite" });
 * ```
 */
export interface Ttl {
  /** As `explain` calls it: "1h". */
  readonly duration: Duration;
  readonly milliseconds: number;
  readonly update: "onWrite" | "onReadWrite";
}

/**
 * State that is forgotten once it has not been used for `duration`. What counts as use is the last write, or, with
 * `"onReadWrite"`, the last time that it was looked at.
 *
 * ```ts
 * import { generator, type JobBuilder, ttl } from "millrace";
 * const firstBids = (j: JobBuilder) =>
 *   j.source(generator.bids()).keyBy((bid) => bid.bidder).deduplicate({ ttl: ttl("1h") });
 * ```
 */
export function ttl(duration: Duration, options: { readonly update?: Ttl["update"] } = {}): Ttl {
  const { update = "onWrite" } = options;
  if (update !== "onWrite" && update !== "onReadWrite") {
    throw new PlanError(`ttl: update is "onWrite" or "onReadWrite", not ${JSON.stringify(update)}`);
  }
  const length = milliseconds(duration, "ttl");
  if (length === 0) throw new PlanError("ttl: a ttl of nothing would keep no state");
  return { duration, milliseconds: length, update };
}
