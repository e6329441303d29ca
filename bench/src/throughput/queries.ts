// The queries whose throughput is measured: what they are asked of, how Millrace is asked, and what has to come out.

import type { Query as Asked } from "../../peers/peer.js";
import {
  AUCTIONS,
  type Auctions,
  type Bid,
  channel,
  extra,
  record,
  uniform,
  url,
  wideRecord,
  zipf,
} from "../dataset.js";
import type { BenchJob } from "./contender.js";
import { type Model, RowModel, WindowModel } from "./model.js";

export interface Query {
  /** In one line. */
  readonly title: string;
  /** When no other number is asked for. */
  readonly events: number;
  readonly auctions: Auctions;
  readonly record: (bid: Bid) => string;
  readonly job: BenchJob;
  readonly model: () => Model;
  /** As peers are asked. */
  readonly asked: Asked;
}

const MANY = 10_000_000;
const FEW = 1_000;
const EVENTS = 6_000_000;

/** Windows of whole seconds over narrow records, by auction. */
function windows(title: string, auctions: number, size: number, slide: number, draw = uniform(auctions)): Query {
  return {
    title: `${title}: ${auctions.toLocaleString("en-US")} auctions, windows of ${size} s${slide === size ? "" : ` every ${slide} s`}`,
    events: EVENTS,
    auctions: draw,
    record,
    job: { file: "windows.ts", env: { SIZE: `${size}s`, SLIDE: `${slide}s` } },
    model: () => new WindowModel(auctions, size * 1000, slide * 1000),
    asked: { kind: "windowed", name: title, sizeMs: size * 1000, slideMs: slide * 1000 },
  };
}

/** A row for each bid, or for some of them. */
function rows(
  title: string,
  kind: "stateless" | "q0" | "q1" | "q2",
  rowOf: (bid: Bid) => Readonly<Record<string, unknown>> | undefined,
): Query {
  return {
    title,
    events: EVENTS,
    auctions: uniform(AUCTIONS),
    record,
    job: { file: "rows.ts", env: { QUERY: kind } },
    model: () => new RowModel(rowOf),
    asked: { kind },
  };
}

const w = windows("Query W", AUCTIONS, 10, 10);

export const THROUGHPUT: Readonly<Record<string, Query>> = {
  w,
  stateless: rows("filter and project", "stateless", ({ auction, bidder, price, dateTime }) =>
    price > 500_000 ? { auction, bidder, price, dateTime } : undefined,
  ),
  "high-cardinality": windows("many keys", MANY, 600, 600),
  skewed: windows("Zipf 1.2", AUCTIONS, 10, 10, zipf(AUCTIONS, 1.2)),
  wide: {
    ...w,
    title: "Query W over records of 2 KB and 60 fields, of which 4 are read",
    events: 1_000_000,
    record: wideRecord,
    job: { file: "wide.ts", env: {} },
  },
  tumbling: windows("what hopping is beside", FEW, 60, 60),
  hopping: windows("hopping", FEW, 60, 1),
  q0: rows("Nexmark q0: pass on", "q0", (bid) => ({
    auction: bid.auction,
    bidder: bid.bidder,
    price: bid.price,
    channel: channel(bid),
    url: url(bid),
    dateTime: bid.dateTime,
    extra: extra(bid),
  })),
  q1: rows("Nexmark q1: convert a currency", "q1", (bid) => ({
    auction: bid.auction,
    bidder: bid.bidder,
    price: bid.price * 0.908,
    dateTime: bid.dateTime,
    extra: extra(bid),
  })),
  q2: rows("Nexmark q2: some auctions", "q2", ({ auction, price }) =>
    auction % 123 === 0 ? { auction, price } : undefined,
  ),
};
