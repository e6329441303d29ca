import t from "tap";
import { json } from "../connectors/connector.js";
import { files } from "../connectors/files.js";
import { generator } from "../connectors/generator.js";
import { kafka } from "../connectors/kafka.js";
import { stdout } from "../connectors/screen.js";
import { MillraceError, PlanError } from "../errors.js";
import { explain } from "../explain/explain.js";
import { avg, count, max, sum } from "../expr/aggregates.js";
import { schema, t as type } from "../schema/schema.js";
import { type JobBuilder, job } from "./job.js";
import { ttl } from "./ttl.js";
import { hopping, tumbling } from "./window.js";

const Bid = schema({
  auction: type.int64(),
  price: type.int64(),
  note: type.string().nullable(),
  at: type.timestamp("ms"),
});
const bids = kafka({ topic: "bids", brokers: "kafka:9092", format: json(Bid) });
const out = stdout({ format: json() });

/** The error of a job that cannot be. */
function refused(build: (j: JobBuilder) => unknown): string {
  try {
    job("refused", build);
  } catch (error) {
    if (error instanceof PlanError) return error.message;
    throw error;
  }
  throw new Error("the job was built");
}

t.test("a plan error names its step", async (t) => {
  const timed = (j: JobBuilder) => j.source(bids).eventTime((bid) => bid.at);
  const wrong = (name: string) => (row: object) => (row as Record<string, never>)[name] as never;
  const cases: [string, string][] = [
    [
      refused((j) => j.source(bids).filter(wrong("pric")).to(out)),
      'filter: column "pric" is not in its input; there are auction, price, note, at (did you mean "price"?)',
    ],
    [
      refused((j) =>
        j
          .source(bids)
          .filter((bid) => bid.price as never)
          .to(out),
      ),
      "filter: the condition is int64, not bool",
    ],
    [
      refused((j) =>
        j
          .source(bids)
          .select(() => ({}))
          .to(out),
      ),
      "select: select: there are no columns",
    ],
    [
      refused((j) =>
        j
          .source(bids)
          .select(() => ({ n: count() }))
          .to(out),
      ),
      'select: column "n": aggregates belong into .aggregate(...)',
    ],
    [refused((j) => j.source(bids).filter((bid) => bid.price.gt(1))), "filter: its rows go nowhere: end with .to(...)"],
    [refused(() => {}), 'job "refused" has no source: begin with j.source(...)'],
    [
      refused((j) =>
        j
          .source(bids)
          .keyBy((bid) => bid.auction)
          .window(tumbling("1s")),
      ),
      'window(tumbling 1s): "kafka(bids)" has no event time: call .eventTime(...) on it',
    ],
    [
      refused((j) =>
        timed(j)
          .keyBy((bid) => bid.auction)
          .window(tumbling("1s"))
          .aggregate((bid) => ({ p: bid.price }))
          .to(out),
      ),
      'window(tumbling 1s): column "p": a window has many values of "price"; take one by first(...), max(...) or the like, or make it a key',
    ],
    [
      refused((j) => timed(j).keyBy((bid) => [bid.price.mod(10)] as never)),
      'keyBy: a key that is computed needs a name: .as("name")',
    ],
    [
      refused((j) =>
        j
          .source(bids)
          .eventTime((bid) => bid.note as never)
          .to(out),
      ),
      "eventTime: the time is a timestamp, or an int64 in milliseconds, not string",
    ],
    [
      refused((j) =>
        j
          .source(bids)
          .union(j.source(generator.bids()) as never)
          .to(out),
      ),
      'union: the rows of "generator(bids)" differ from those of "kafka(bids)": bring them together by .select(...)',
    ],
    [
      refused((j) =>
        j.source(bids).to(kafka({ topic: "x", brokers: "k", format: json(), key: (bid) => bid.price as never })),
      ),
      "kafka(x): the key is int64: cast it by .cast(t.string())",
    ],
  ];
  for (const [found, expected] of cases) t.equal(found, expected);
  t.throws(
    () => hopping("1s", "2s"),
    new PlanError("it slides by more than its size: events between windows would be lost", "window(hopping 1s / 2s)"),
  );
  t.ok(new PlanError("x") instanceof MillraceError);
});

t.test("only the columns that some step reads are read", async (t) => {
  const read = (build: (j: JobBuilder) => unknown) => job("read", build).steps[0]?.fields.map((field) => field.name);
  t.strictSame(
    read((j) =>
      j
        .source(bids)
        .filter((bid) => bid.price.gt(1))
        .select((bid) => ({ id: bid.auction }))
        .to(out),
    ),
    ["auction", "price"],
  );
  t.strictSame(
    read((j) =>
      j
        .source(bids)
        .filter((bid) => bid.price.gt(1))
        .to(out),
    ),
    ["auction", "price", "note", "at"],
  );
  t.strictSame(
    read((j) =>
      j
        .source(bids)
        .eventTime((bid) => bid.at)
        .keyBy((bid) => bid.auction)
        .window(tumbling("1s"))
        .aggregate(() => ({ n: count() }))
        .to(out),
    ),
    ["auction", "at"],
  );
});

t.test("explain draws branches, keys, windows, and what runs in JavaScript", async (t) => {
  const drawn = job("branches", (j) => {
    const all = j
      .source(bids)
      .eventTime((bid) => bid.at, { outOfOrderness: "1s", idleTimeout: "5s", whenIdle: "advance" });
    all.map(schema({ id: type.int64() }), (bid) => ({ id: bid.auction })).to(out);
    all
      .keyBy((bid) => ({ bucket: bid.auction.mod(10) }))
      .window(hopping("1m", "10s"))
      .aggregate((bid, w) => ({
        end: w.end,
        share: sum(bid.price).div(count()),
        mean: avg(bid.price),
        top: max(bid.price),
      }))
      .id("by-bucket")
      .to(files({ directory: "out", format: json() }));
  });
  t.matchSnapshot(explain(drawn));
  t.equal(drawn.functions.length, 1);
});

const windowed = (j: JobBuilder, size: "1s" | "1m") =>
  j
    .source(bids)
    .eventTime((bid) => bid.at)
    .keyBy((bid) => bid.auction)
    .window(tumbling(size))
    .aggregate(() => ({ n: count() }));

t.test("explain draws what a job promises: guarantee, checkpoints, where state is", async (t) => {
  const build = (j: JobBuilder) => windowed(j, "1s").id("counts").to(out);
  const storage = "s3://state/millrace";
  t.matchSnapshot(explain(job("in memory", build)));
  t.matchSnapshot(
    explain(job("with checkpoints", build, { checkpoints: { storage, interval: "90s" }, state: { backend: "fs" } })),
  );
  t.matchSnapshot(
    explain(
      job(
        "exactly once",
        (j) =>
          windowed(j, "1s")
            .id("counts")
            .to(kafka({ topic: "counts", brokers: "kafka:9092", format: json() })),
        {
          guarantee: "exactly-once",
          checkpoints: { storage },
          state: { memoryBudget: "400MB" },
        },
      ),
    ),
  );
});

t.test("a deduplication reads its keys, keeps what follows needs, and says how long it keeps a key", async (t) => {
  const built = job("once", (j) =>
    j
      .source(bids)
      .keyBy((bid) => [bid.auction, bid.price.mod(10).as("digit")])
      .deduplicate({ ttl: ttl("1h", { update: "onReadWrite" }) })
      .select((bid) => ({ note: bid.note }))
      .to(out),
  );
  t.matchSnapshot(explain(built, { parallelism: 2 }));
  t.throws(() => ttl("0s"), { message: "ttl: a ttl of nothing would keep no state" });
  t.throws(() => ttl("1h", { update: "never" as never }), { message: /"onWrite" or "onReadWrite", not "never"/ });
});

const Rate = schema({ price: type.int64(), rate: type.float64(), unread: type.string() });
const rates = kafka({ topic: "rates", brokers: "kafka:9092", format: json(Rate), start: "earliest" });

t.test("a join reads what it needs of its rows, and all of what is broadcast", async (t) => {
  const built = job("joined", (j) => {
    const table = j.source(rates).broadcast((rate) => rate.price);
    const priced = j.source(bids);
    priced
      .leftJoin(
        table,
        (bid) => bid.price,
        (bid, rate) => ({ auction: bid.auction, rate: rate.rate.coalesce(1), left: bid.at }),
      )
      .select((row) => ({ auction: row.auction, rate: row.rate }))
      .to(out);
  });
  t.matchSnapshot(explain(built, { parallelism: 2 }));
});

t.test("a join is refused where its keys do not match", async (t) => {
  const join = (on: (bid: Record<string, never>) => unknown, table?: unknown) =>
    refused((j) => {
      const known = table ?? j.source(rates).broadcast((rate) => rate.price);
      j.source(bids)
        .join(known as never, on as never, ((bid: Record<string, never>) => ({ auction: bid.auction })) as never)
        .to(out);
    });
  t.equal(
    join((bid) => bid.at),
    'join(kafka(rates)): "at" is timestamp(ms), the table\'s "price" is int64: cast one of them',
  );
  t.equal(
    join((bid) => [bid.auction, bid.price]),
    "join(kafka(rates)): rows are matched by 2 columns, but the table's key has 1",
  );
  t.equal(
    refused((j) => {
      const known = j.source(rates).broadcast((rate) => rate.price);
      const wrong = (_: object, rate: object) => ({ rate: (rate as Record<string, never>).rat as never });
      j.source(bids)
        .join(known, (bid) => bid.price, wrong)
        .to(out);
    }),
    'join(kafka(rates)): column "rat" is not in its input; there are price, rate, unread (did you mean "rate"?)',
  );
  t.equal(
    join((bid) => bid.price, {}),
    "join: it takes a stream that is .broadcast(...) first",
  );
});

t.test("an id is the user's, or derived from the steps of its kind before it", async (t) => {
  const built = job("ids", (j) => {
    j.source(bids).id("bids").to(out).id("copy");
    windowed(j, "1m").to(out);
  });
  t.strictSame(
    built.steps.map(({ id, hasOwnId }) => [id, hasOwnId]),
    [
      ["bids", true],
      ["copy", true],
      ["source-2", false],
      ["window-1", false],
      ["sink-2", false],
    ],
  );
  t.equal(
    refused((j) => j.source(bids).id("").to(out)),
    "kafka(bids): an id is a text that is not empty",
  );
  t.equal(
    refused((j) => j.source(bids).id("same").to(out).id("same")),
    'stdout: id "same" is there twice',
  );
});

t.test("a job with checkpoints warns of windows whose state goes by a derived id", async (t) => {
  const checkpoints = { storage: "file:checkpoints" } as const;
  const one = (j: JobBuilder) => windowed(j, "1s").to(out);
  const two = (j: JobBuilder) => {
    one(j);
    windowed(j, "1m").to(out);
  };
  t.strictSame(job("none", one).warnings, []);
  t.strictSame(job("named", (j) => windowed(j, "1s").id("counts").to(out), { checkpoints }).warnings, []);
  t.strictSame(job("one", one, { checkpoints }).warnings, [
    'window(tumbling 1s): its state goes by "window-1", an id that changes with the steps before. ' +
      'An .id("...") behind the step keeps the state through changes of the job.',
  ]);
  t.strictSame(job("two", two, { checkpoints }).warnings, [
    'window(tumbling 1s), window(tumbling 1m): their state goes by "window-1", "window-2", ids that change with the ' +
      'steps before. An .id("...") behind the step keeps the state through changes of the job.',
  ]);
});
