import { schema, t } from "millrace";
import { WIDE_FILL } from "./dataset.js";

/** A bid as `record` of dataset.ts writes it. */
export const Bid = schema({
  auction: t.int64(),
  bidder: t.int64(),
  price: t.int64(),
  channel: t.string(),
  url: t.string(),
  dateTime: t.timestamp("ms"),
  extra: t.string(),
});

/** A bid as `wideRecord` writes it. */
export const WideBid = schema({
  ...Object.fromEntries(WIDE_FILL.map(([name, type]) => [name, t[type]()])),
  auction: t.int64(),
  bidder: t.int64(),
  price: t.int64(),
  dateTime: t.timestamp("ms"),
  channel: t.string(),
  url: t.string(),
  session: t.int64(),
  note: t.string(),
});
