import type { Outgoing } from "./client.js";
import { Random } from "./random.js";

/** The events of the end-to-end tests. Times are unique, so that first and last are defined. */
export interface Trade {
  partition: number;
  account: string;
  price: number;
  venue: string;
  /** Event time, milliseconds since the epoch. */
  at: number;
}

export interface TradeOptions {
  seed: number;
  count: number;
  partitions?: number;
  accounts?: number;
  /** How much later than its place in time an event may come. */
  outOfOrdernessMs?: number;
  /** After this share of the time the last partition falls silent. */
  idleAfter?: number;
}

export const START = Date.UTC(2026, 0, 1);
const STEP_MS = 7;
const VENUES = ["north", "south", "east", "west", "centre"];

/** Trades in the order of their arrival, out of order within the bound. */
export function trades(options: TradeOptions): Trade[] {
  const { seed, count, partitions = 3, accounts = 20, outOfOrdernessMs = 1000, idleAfter = 1 } = options;
  const random = new Random(seed);
  const events = Array.from({ length: count }, (_, index) => {
    const at = START + index * STEP_MS;
    const open = index < count * idleAfter ? partitions : partitions - 1;
    const trade: Trade = {
      partition: random.below(open),
      account: `account-${random.below(accounts)}`,
      price: random.below(100_000) - 20_000,
      venue: VENUES[random.below(VENUES.length)] as string,
      at,
    };
    return { trade, arrival: at + random.below(outOfOrdernessMs) };
  });
  return events.sort((a, b) => a.arrival - b.arrival).map(({ trade }) => trade);
}

/** The Kafka record of a trade. */
export function record({ partition, account, price, venue, at }: Trade): Outgoing {
  return { partition, key: account, timestamp: at, value: JSON.stringify({ account, price, venue, at, unread: "x" }) };
}
