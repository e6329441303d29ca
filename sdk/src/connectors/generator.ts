import { type Duration, milliseconds } from "../duration.js";
import { GeneratorKind } from "../generated/millrace/plan.js";
import { type Schema, schema, t } from "../schema/schema.js";
import type { Shape } from "../schema/type.js";
import type { Source } from "./connector.js";

/**
 * What `generator` makes, and how fast.
 *
 * ```ts
 * import { type GeneratorOptions, generator } from "millrace";
 * const options: GeneratorOptions = { rate: 10_000, count: 1_000_000, outOfOrderness: "200ms" };
 * const source = generator.bids(options);
 * ```
 */
export interface GeneratorOptions {
  /** Events a second over all slots; as many as the machine can without it. */
  readonly rate?: number;
  /** So many events, then the end; endless without it. */
  readonly count?: number;
  readonly seed?: number;
  /** The first event's time: now, by default. */
  readonly startTime?: Date | number;
  /** Events in a second of event time: 100,000 by default. */
  readonly eventsPerSecond?: number;
  /** How far event times stray back. */
  readonly outOfOrderness?: Duration;
  /** Different auctions or persons: 100,000 by default. */
  readonly keys?: number;
}

const Bids = schema({
  auction: t.int64(),
  bidder: t.int64(),
  price: t.int64(),
  channel: t.string(),
  url: t.string(),
  dateTime: t.timestamp("ms"),
  extra: t.string(),
});

const Persons = schema({
  id: t.int64(),
  name: t.string(),
  emailAddress: t.string(),
  creditCard: t.string(),
  city: t.string(),
  state: t.string(),
  dateTime: t.timestamp("ms"),
  extra: t.string(),
});

const Auctions = schema({
  id: t.int64(),
  itemName: t.string(),
  description: t.string(),
  initialBid: t.int64(),
  reserve: t.int64(),
  dateTime: t.timestamp("ms"),
  expires: t.timestamp("ms"),
  seller: t.int64(),
  category: t.int64(),
  extra: t.string(),
});

/**
 * Made-up events of an auction house, after the Nexmark benchmark: the same for the same seed.
 *
 * ```ts
 * import { generator, job, json, stdout } from "millrace";
 * export default job("ten-bids", (j) => j.source(generator.bids({ count: 10, seed: 1 })).to(stdout({ format: json() })));
 * ```
 */
export const generator = {
  bids: (options: GeneratorOptions = {}) => source("bids", GeneratorKind.Bids, Bids, options),
  persons: (options: GeneratorOptions = {}) => source("persons", GeneratorKind.Persons, Persons, options),
  auctions: (options: GeneratorOptions = {}) => source("auctions", GeneratorKind.Auctions, Auctions, options),
} as const;

function source<S extends Shape>(
  name: string,
  events: GeneratorKind,
  schema: Schema<S>,
  options: GeneratorOptions,
): Source<S> {
  const { rate = 0, count = 0, seed = 1, startTime = Date.now(), eventsPerSecond = 100_000, keys = 100_000 } = options;
  return {
    role: "source",
    name: `generator(${name})`,
    schema,
    onBadRecord: "fail",
    config: () => ({
      kind: "generator",
      events,
      seed,
      rate,
      count,
      startTime: Number(startTime),
      eventsPerSecond,
      outOfOrderness: milliseconds(options.outOfOrderness ?? "0s", "outOfOrderness"),
      keys,
    }),
  };
}
