// The events of Query W: bids of 231 bytes in 7 fields.

export const RECORD_BYTES = 231;
export const AUCTIONS = 100_000;
export const WINDOW_MS = 10_000;
const EVENTS_PER_SECOND = 100_000;
const OUT_OF_ORDER_MS = 100;
const START_MS = Date.UTC(2026, 0, 1);

export interface Bid {
  readonly auction: number;
  readonly bidder: number;
  readonly price: number;
  /** Milliseconds since the epoch. */
  readonly dateTime: number;
}

/** Event number `n`: the same for the same seed. */
export function bid(n: number, seed: number): Bid {
  const a = mix(n, seed);
  const b = mix(a, n);
  const late = mix(b, seed) % OUT_OF_ORDER_MS;
  return {
    auction: a % AUCTIONS,
    bidder: b % 1_000_000,
    price: 1 + (((a ^ b) >>> 0) % 1_000_000),
    dateTime: START_MS + Math.floor((n * 1000) / EVENTS_PER_SECOND) - late,
  };
}

/** The record of a bid, filled up to its size. */
export function record({ auction, bidder, price, dateTime }: Bid): string {
  const text =
    `{"auction":${auction},"bidder":${bidder},"price":${price},"channel":"channel-${bidder % 100}",` +
    `"url":"https://auctions.example/item/${auction}","dateTime":${dateTime},"extra":"`;
  return `${text.padEnd(RECORD_BYTES - 2, "abcdefghijklmnopqrstuvwxyz0123456789")}"}`;
}

/** What Query W has to give: count, sum and greatest price of each auction in each window. */
export class Expected {
  readonly #groups = new Map<number, [n: number, total: number, top: number]>();

  add({ auction, price, dateTime }: Bid): void {
    const key = Math.floor(dateTime / WINDOW_MS) * AUCTIONS + auction;
    const group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, [1, price, price]);
    else {
      group[0] += 1;
      group[1] += price;
      group[2] = Math.max(group[2], price);
    }
  }

  get rows(): number {
    return this.#groups.size;
  }

  /** How many rows are missing, wrong or there twice. */
  differences(rows: Iterable<{ auction: number; start: number; n: number; total: number; top: number }>): number {
    const open = new Map(this.#groups);
    let wrong = 0;
    for (const { auction, start, n, total, top } of rows) {
      const key = (start / WINDOW_MS) * AUCTIONS + auction;
      const group = open.get(key);
      if (group === undefined || group[0] !== n || group[1] !== total || group[2] !== top) wrong += 1;
      open.delete(key);
    }
    return wrong + open.size;
  }
}

/** Mixes two numbers to one of 32 bits; the finalizer of MurmurHash3. */
function mix(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
