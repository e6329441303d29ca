// The queries as plain functions over values and Maps.
export interface Results {
  /** What the event of a value gives. */
  add(value: Buffer, partition: number): string[];
  /** What is still open at the end of the input. */
  end(): string[];
}

const env = (name: string) => process.env[name] as string;
const LATENESS_MS = 1000;
const PARTITIONS = 2;

export function results(): Results {
  const query = env("QUERY");
  if (query === "windowed") return new Windows(Number(env("SIZE_MS")), Number(env("SLIDE_MS")));
  const each = EACH[query] as (event: Event) => object | undefined;
  const add = (value: Buffer) => {
    const row = each(JSON.parse(value.toString()));
    return row === undefined ? [] : [JSON.stringify(row)];
  };
  return { add, end: () => [] };
}

interface Event {
  auction: number;
  bidder: number;
  price: number;
  dateTime: number;
  extra: string;
}

const EACH: Record<string, (event: Event) => object | undefined> = {
  stateless: ({ auction, bidder, price, dateTime }) =>
    price > 500_000 ? { auction, bidder, price, dateTime } : undefined,
  q0: (event) => event,
  q1: ({ auction, bidder, price, dateTime, extra }) => ({ auction, bidder, price: price * 0.908, dateTime, extra }),
  q2: ({ auction, price }) => (auction % 123 === 0 ? { auction, price } : undefined),
  latency: (event) => event,
};

/** Windows by their start, each with a group an auction. */
class Windows implements Results {
  readonly #open = new Map<number, Map<number, { n: number; total: number; top: number }>>();
  readonly #latest = Array.from({ length: PARTITIONS }, () => 0);
  #nextEnd = Number.POSITIVE_INFINITY;

  constructor(
    private readonly sizeMs: number,
    private readonly slideMs: number,
  ) {}

  add(value: Buffer, partition: number): string[] {
    const { auction, price, dateTime } = JSON.parse(value.toString()) as Event;
    for (let start = dateTime - (dateTime % this.slideMs); start > dateTime - this.sizeMs; start -= this.slideMs) {
      const groups = this.#groups(start);
      const group = groups.get(auction);
      if (group === undefined) groups.set(auction, { n: 1, total: price, top: price });
      else {
        group.n += 1;
        group.total += price;
        if (price > group.top) group.top = price;
      }
    }
    if (dateTime <= (this.#latest[partition] as number)) return [];
    this.#latest[partition] = dateTime;
    return dateTime - LATENESS_MS < this.#nextEnd ? [] : this.#close(Math.min(...this.#latest) - LATENESS_MS);
  }

  end(): string[] {
    return this.#close(Number.POSITIVE_INFINITY);
  }

  #groups(start: number) {
    let groups = this.#open.get(start);
    if (groups === undefined) {
      groups = new Map();
      this.#open.set(start, groups);
      this.#nextEnd = Math.min(this.#nextEnd, start + this.sizeMs);
    }
    return groups;
  }

  #close(watermark: number): string[] {
    const rows: string[] = [];
    for (const [start, groups] of this.#open) {
      if (start + this.sizeMs > watermark) continue;
      for (const [auction, group] of groups) rows.push(JSON.stringify({ auction, start, ...group }));
      this.#open.delete(start);
    }
    this.#nextEnd = Math.min(...[...this.#open.keys()].map((start) => start + this.sizeMs));
    return rows;
  }
}
