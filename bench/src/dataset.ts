// The events of the benchmarks: bids.

/** Of a narrow record: 7 fields. */
export const RECORD_BYTES = 231;
/** Of a wide one: the same fields among 53 others. */
export const WIDE_RECORD_BYTES = 2048;
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

/** Which auction 32 random bits stand for. */
export type Auctions = (bits: number) => number;

/** Every auction is as likely as every other. */
export function uniform(auctions: number): Auctions {
  return (bits) => bits % auctions;
}

/** Auction number k comes `(k + 1) ** -exponent` times as often as number 0. */
export function zipf(auctions: number, exponent: number): Auctions {
  const cumulated = new Float64Array(auctions);
  let total = 0;
  for (let k = 0; k < auctions; k++) {
    total += (k + 1) ** -exponent;
    cumulated[k] = total;
  }
  return (bits) => {
    const wanted = (bits / 2 ** 32) * total;
    let [low, high] = [0, auctions - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((cumulated[middle] as number) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** Event number `n`: the same for the same seed. */
export function bid(n: number, seed: number, auctions: Auctions = uniform(AUCTIONS)): Bid {
  const a = mix(n, seed);
  const b = mix(a, n);
  const late = mix(b, seed) % OUT_OF_ORDER_MS;
  return {
    auction: auctions(a),
    bidder: b % 1_000_000,
    price: 1 + (((a ^ b) >>> 0) % 1_000_000),
    dateTime: START_MS + Math.floor((n * 1000) / EVENTS_PER_SECOND) - late,
  };
}

/** The record of a bid, filled up to its size. */
export function record(bid: Bid): string {
  return `${`${members(bid)},"extra":"`.padEnd(RECORD_BYTES - 2, LETTERS)}"}`;
}

/** The text of the last member of `record`. */
export function extra(bid: Bid): string {
  const start = members(bid).length + ',"extra":"'.length;
  return LETTERS.repeat(6).slice(0, RECORD_BYTES - 2 - start);
}

export const channel = ({ bidder }: Bid) => `channel-${bidder % 100}`;
export const url = ({ auction }: Bid) => `https://auctions.example/item/${auction}`;

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

function members(bid: Bid): string {
  const { auction, bidder, price, dateTime } = bid;
  return (
    `{"auction":${auction},"bidder":${bidder},"price":${price},"channel":"${channel(bid)}",` +
    `"url":"${url(bid)}","dateTime":${dateTime}`
  );
}

/** How many members a wide record has before each of those that are read, and after the last. */
const WIDE_GAPS = [9, 12, 14, 10, 7] as const;

/** The names and types of the members of a wide record that no query reads. */
export const WIDE_FILL: readonly (readonly [name: string, type: "string" | "int64" | "float64" | "bool"])[] =
  Array.from({ length: 52 }, (_, k) => [`f${k}`, (["string", "int64", "float64", "bool"] as const)[k % 4] ?? "string"]);

/** A record of 60 members in 2 KB; `auction`, `bidder`, `price` and `dateTime` are spread among the others. */
export function wideRecord(bid: Bid): string {
  const read = [bid.auction, bid.bidder, bid.price, bid.dateTime];
  let [text, next] = ["{", 0];
  for (const [place, gap] of WIDE_GAPS.entries()) {
    for (const end = next + gap; next < end; next++) text += `${fill(next, bid.bidder)},`;
    if (place < read.length) text += `"${["auction", "bidder", "price", "dateTime"][place]}":${read[place]},`;
  }
  const head = `${text}"channel":"${channel(bid)}","url":"${url(bid)}","session":${bid.bidder * 7},"note":"`;
  return `${head.padEnd(WIDE_RECORD_BYTES - 2, LETTERS)}"}`;
}

function fill(k: number, bits: number): string {
  const [name, type] = WIDE_FILL[k] as (typeof WIDE_FILL)[number];
  const drawn = (bits * (k + 7)) % 1_000_003;
  if (type === "string") return `"${name}":"${LETTERS.slice(drawn % 10)}-${drawn}"`;
  if (type === "bool") return `"${name}":${drawn % 2 === 0}`;
  return `"${name}":${type === "int64" ? drawn : drawn / 64}`;
}

/** Mixes two numbers to one of 32 bits; the finalizer of MurmurHash3. */
function mix(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
