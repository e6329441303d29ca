import { type JobBuilder, json, kafka, type Stream, stdout } from "millrace";
import { type Equal, expect, type Int64, type Null, type RowsOf } from "./expect.js";
import { Everything, rows } from "./rows.js";

declare const j: JobBuilder;
declare const narrow: Stream<{ a: Int64 }>;
declare const wide: Stream<{ a: Int64; b: Int64 }>;
declare const nullable: Stream<{ a: Int64 | Null }>;

// A source gives the rows of its schema.
const bids = j.source(kafka({ topic: "bids", brokers: "k", format: json(Everything) }));
expect<Equal<RowsOf<typeof bids>, RowsOf<typeof rows>>>();
expect<Equal<RowsOf<ReturnType<typeof bids.eventTime>>, RowsOf<typeof rows>>>();
// @ts-expect-error: a source has a schema
j.source(kafka({ topic: "bids", brokers: "k", format: json() }));

// Event time.
bids.eventTime((bid) => bid.at, { outOfOrderness: "1s", idleTimeout: "5s", whenIdle: "advance" });
bids.eventTime((bid) => bid.large);
bids.eventTime({ maxDrift: "1m" });
// @ts-expect-error: a string is no time
bids.eventTime((bid) => bid.name);
// @ts-expect-error: every row has a time
bids.eventTime((bid) => bid.until);
// @ts-expect-error: a duration has a unit
bids.eventTime((bid) => bid.at, { outOfOrderness: "1" });
// @ts-expect-error: no number is a duration
bids.eventTime((bid) => bid.at, { idleTimeout: 5000 });
// @ts-expect-error: it waits or advances
bids.eventTime((bid) => bid.at, { whenIdle: "skip" });
// @ts-expect-error: only a source has an event time to set
rows.eventTime((bid) => bid.at);

// A filter leaves the rows as they are.
expect<Equal<RowsOf<ReturnType<typeof rows.filter>>, RowsOf<typeof rows>>>();
rows.filter((r) => r.note.eq("x"));
// @ts-expect-error: there is no such column
rows.filter((r) => r.larg.gt(1));
// @ts-expect-error: a condition is bool
rows.filter((r) => r.large);
// @ts-expect-error: it is an expression, not a value
rows.filter(() => true);
// @ts-expect-error: columns are compared by methods
rows.filter((r) => r.large > 1);

// Select gives the columns of its object.
const selected = rows.select((r) => ({ id: r.large, half: r.ratio.div(2), note: r.note, at: r.exact, tags: r.tags }));
expect<Equal<RowsOf<typeof selected>, { id: bigint; half: number; note: string | null; at: bigint; tags: string[] }>>();
// @ts-expect-error: a column that was not selected is gone
selected.filter((r) => r.large.gt(1));
// @ts-expect-error: a literal is made by lit
rows.select(() => ({ one: 1 }));
// @ts-expect-error: columns have names
rows.select((r) => r.large);

// A union is of streams with the same columns, no more, no fewer.
expect<Equal<RowsOf<ReturnType<typeof narrow.union>>, { a: bigint }>>();
narrow.union(narrow, narrow);
// @ts-expect-error: the other has one more
narrow.union(wide);
// @ts-expect-error: the other has one fewer
wide.union(narrow);
// @ts-expect-error: the other's may be null
narrow.union(nullable);
// @ts-expect-error: the other's is never null, and the plan tells them apart
nullable.union(narrow);

// Keys.
rows.keyBy((r) => r.large);
rows.keyBy((r) => [r.large, r.name.upper().as("upper")]);
rows.keyBy((r) => ({ bucket: r.large.mod(10) }));
// @ts-expect-error: a key that is computed has a name
rows.keyBy((r) => r.large.mod(10));
// @ts-expect-error: in a list, too
rows.keyBy((r) => [r.large, r.large.mod(10)]);
// @ts-expect-error: there is no such column
rows.keyBy((r) => r.larg);
// @ts-expect-error: a list is no key
rows.keyBy((r) => r.tags);
// @ts-expect-error: nor is a struct
rows.keyBy((r) => ({ place: r.place }));
// @ts-expect-error: nor is a name
rows.keyBy(() => "large");

// Every step can be named, the last one too; a stream keeps its rows.
const named = rows.filter((r) => r.flag).id("flagged");
expect<Equal<RowsOf<typeof named>, RowsOf<typeof rows>>>();
rows.to(stdout({ format: json() })).id("out");
// @ts-expect-error: an id is a text
rows.filter((r) => r.flag).id(1);
// @ts-expect-error: nothing follows a sink
rows.to(stdout({ format: json() })).filter((r) => r.flag);
