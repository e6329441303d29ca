// What a query has to make of the bids, and how far from it results are.
import type { Bid } from "../dataset.js";

export interface Model {
  /** An event of the input. */
  add(bid: Bid): void;
  /** How many rows there are to be. */
  readonly rows: number;
  /** A check of one run's results. */
  check(): Check;
}

export interface Check {
  /** A row of the results. */
  row(row: Readonly<Record<string, unknown>>): void;
  /** How many rows are missing, wrong or there twice. */
  differences(): number;
}

/** Of one window, by auction. */
interface Groups {
  readonly n: Uint32Array;
  readonly total: Float64Array;
  readonly top: Uint32Array;
}

/** Count, sum and greatest price of each auction in each window. */
export class WindowModel implements Model {
  readonly #windows = new Map<number, Groups>();
  rows = 0;

  constructor(
    private readonly auctions: number,
    private readonly sizeMs: number,
    private readonly slideMs: number,
  ) {}

  add(bid: Bid): void {
    const last = Math.floor(bid.dateTime / this.slideMs) * this.slideMs;
    for (let start = last; start > bid.dateTime - this.sizeMs; start -= this.slideMs) this.#addTo(start, bid);
  }

  #addTo(start: number, { auction, price }: Bid): void {
    const groups = this.#windows.get(start) ?? this.#open(start);
    if (groups.n[auction] === 0) this.rows += 1;
    groups.n[auction] = (groups.n[auction] as number) + 1;
    groups.total[auction] = (groups.total[auction] as number) + price;
    groups.top[auction] = Math.max(groups.top[auction] as number, price);
  }

  #open(start: number): Groups {
    const groups = {
      n: new Uint32Array(this.auctions),
      total: new Float64Array(this.auctions),
      top: new Uint32Array(this.auctions),
    };
    this.#windows.set(start, groups);
    return groups;
  }

  /** The sum of the FNV-1a hashes of all rows, as their JSON is written, in 64 bits and hexadecimal. */
  checksum(): string {
    let sum = 0n;
    for (const [start, { n, total, top }] of this.#windows) {
      for (let auction = 0; auction < this.auctions; auction++) {
        if (n[auction] === 0) continue;
        sum += fnv(JSON.stringify({ auction, start, n: n[auction], total: total[auction], top: top[auction] }));
      }
    }
    return BigInt.asUintN(64, sum).toString(16).padStart(16, "0");
  }

  check(): Check {
    const seen = new Map([...this.#windows.keys()].map((start) => [start, new Uint8Array(this.auctions)]));
    let [right, wrong] = [0, 0];
    return {
      row: (row) => {
        const { auction, start, n, total, top } = row as Record<string, number>;
        const groups = this.#windows.get(start as number);
        const isSeen = seen.get(start as number);
        const key = auction as number;
        const isRight = groups?.n[key] === n && groups?.total[key] === total && groups?.top[key] === top;
        if (isSeen === undefined || !isRight || n === 0 || isSeen[key] === 1) wrong += 1;
        else {
          isSeen[key] = 1;
          right += 1;
        }
      },
      differences: () => wrong + this.rows - right,
    };
  }
}

/** FNV-1a in 64 bits. */
function fnv(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (let at = 0; at < text.length; at++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n);
  }
  return hash;
}

/** A row for each event, or for some of them, in any order. */
export class RowModel implements Model {
  /** How often each row is to be there, by the hash of its values: two of one hash count as one row that is there twice. */
  readonly #rows = new Map<number, number>();
  rows = 0;

  constructor(private readonly rowOf: (bid: Bid) => Readonly<Record<string, unknown>> | undefined) {}

  add(bid: Bid): void {
    const row = this.rowOf(bid);
    if (row === undefined) return;
    const hash = hashOf(row);
    this.#rows.set(hash, (this.#rows.get(hash) ?? 0) + 1);
    this.rows += 1;
  }

  check(): Check {
    const open = new Map(this.#rows);
    let [right, wrong] = [0, 0];
    return {
      row: (row) => {
        const hash = hashOf(row);
        const left = open.get(hash) ?? 0;
        if (left === 0) wrong += 1;
        else {
          right += 1;
          open.set(hash, left - 1);
        }
      },
      differences: () => wrong + this.rows - right,
    };
  }
}

/** 53 bits of the names and values of a row; the order of the names counts. Two steps of FNV-1a, from two starts. */
function hashOf(row: Readonly<Record<string, unknown>>): number {
  const text = Object.entries(row).join();
  let [a, b] = [0x811c9dc5, 0x050c5d1f];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x01000193);
  }
  return (a >>> 0) * 2 ** 21 + (b >>> 11);
}
