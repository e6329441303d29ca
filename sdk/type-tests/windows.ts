import { avg, count, hopping, sum, ttl, tumbling } from "millrace";
import { type Equal, expect, type RowsOf } from "./expect.js";
import { rows } from "./rows.js";

// A row of a window: the key's columns, then those of the object.
const byColumn = rows
  .keyBy((r) => r.large)
  .window(tumbling("10s"))
  .aggregate((r, w) => ({ start: w.start, n: count(), mean: avg(r.maybe) }));
expect<Equal<RowsOf<typeof byColumn>, { large: bigint; start: number; n: bigint; mean: number | null }>>();

const byColumns = rows
  .keyBy((r) => [r.name, r.note, r.small.mod(10).as("bucket")])
  .window(hopping("1m", "10s"))
  .aggregate((r) => ({ total: sum(r.money) }));
expect<Equal<RowsOf<typeof byColumns>, { name: string; note: string | null; bucket: number; total: string }>>();

const byObject = rows
  .keyBy((r) => ({ hour: r.exact.truncate("hour"), flag: r.flag }))
  .window(tumbling("1h", { offset: "15m" }))
  .aggregate((_, w) => ({ end: w.end }));
expect<Equal<RowsOf<typeof byObject>, { hour: bigint; flag: boolean; end: number }>>();

const keyed = rows.keyBy((r) => r.large);
// @ts-expect-error: only a keyed stream has windows
rows.window(tumbling("10s"));
// @ts-expect-error: and only windows have aggregates
keyed.aggregate(() => ({ n: count() }));
// @ts-expect-error: an aggregate has a name
keyed.window(tumbling("10s")).aggregate(() => count());
// @ts-expect-error: what was not aggregated is gone
byColumn.filter((r) => r.ratio.gt(1));
// @ts-expect-error: a window is made by tumbling or hopping
keyed.window("10s");

// @ts-expect-error: a duration has a unit
tumbling("10");
// @ts-expect-error: one of ms, s, m, h and d
tumbling("10sec");
// @ts-expect-error: and a number
tumbling("s");
// @ts-expect-error: no number is a duration
tumbling(10_000);
// @ts-expect-error: a hopping window has a slide
hopping("10s");

// A join gives the columns that are made of both sides; those of the table may be null in a left join.
const limits = rows.select((r) => ({ key: r.large, limit: r.ratio })).broadcast((limit) => limit.key);
const limited = rows.join(
  limits,
  (r) => r.large,
  (r, limit) => ({ name: r.name, limit: limit.limit }),
);
expect<Equal<RowsOf<typeof limited>, { name: string; limit: number }>>();
const perhaps = rows.leftJoin(
  limits,
  (r) => r.large,
  (r, limit) => ({ name: r.name, limit: limit.limit }),
);
expect<Equal<RowsOf<typeof perhaps>, { name: string; limit: number | null }>>();
rows.join(
  // @ts-expect-error: it joins with what is broadcast
  rows,
  (r: typeof rows) => r,
  () => ({}),
);

// A deduplication gives the rows that come.
const once = keyed.deduplicate({ ttl: ttl("1h", { update: "onReadWrite" }) });
expect<Equal<RowsOf<typeof once>, RowsOf<typeof rows>>>();
keyed.deduplicate();
// @ts-expect-error: only a keyed stream has keys to go by
rows.deduplicate();
// @ts-expect-error: a ttl is made by ttl
keyed.deduplicate({ ttl: "1h" });
// @ts-expect-error: a ttl has a unit
ttl("1");
// @ts-expect-error: there are two ways to use state
ttl("1h", { update: "onRead" });
