import { count, generator, http, type Job, job, json, kafka, schema, stdout, sum, tumbling, t as type } from "millrace";
import t from "tap";
import type { JobMetrics } from "../native.js";
import { type Bottleneck, bottleneckOf } from "./bottleneck.js";
import { profileOf } from "./profile.js";
import { profileText } from "./text.js";

const CORES = 8;
const Bid = schema({ auction: type.int64(), price: type.int64(), at: type.timestamp("ms") });
const brokers = "kafka:9092";

const revenue = job("revenue", (j) => {
  const bids = j
    .source(kafka({ topic: "bids", brokers, format: json(Bid) }))
    .id("bids")
    .eventTime((bid) => bid.at, { outOfOrderness: "1s" });
  bids
    .map(Bid, (bid) => bid)
    .keyBy((bid) => bid.auction)
    .window(tumbling("10s"))
    .aggregate((bid) => ({ n: count(), total: sum(bid.price) }))
    .id("totals")
    .to(kafka({ topic: "revenue", brokers, format: json() }))
    .id("revenue");
});

type Figures = JobMetrics["operators"][number];
type Slot = JobMetrics["slots"][number];

/** Figures of a run of `revenue`: `of` changes those of steps by their place. */
function metrics(of: readonly Partial<Figures>[] = [], slots: readonly Slot[] = [slot(), slot()], of_: Job = revenue) {
  const operators = of_.steps.map(({ id, name }, index) => ({
    ...{ id, name, rowsIn: 1000, rowsOut: 1000, late: 0, bad: 0, bytes: 0, busyMs: 100, fullMs: 0 },
    ...{ rowsBySlot: [500, 500], source: undefined },
    ...(index === 0 ? { rowsIn: 0, source: { partitions: 4 } } : {}),
    ...(name.startsWith("window") ? { exchange: { rows: 400, bytes: 12_800 } } : {}),
    ...of[index],
  }));
  return { operators, slots: [...slots], backpressured: 0, busy: 0, commits: 1 } as JobMetrics;
}

function slot(shares: { busy?: number; backpressured?: number; idle?: number } = { busy: 98, idle: 2 }): Slot {
  const { busy = 0, backpressured = 0, idle = 0 } = shares;
  return { busyMs: busy * 10, backpressuredMs: backpressured * 10, idleMs: idle * 10, rows: 2000 };
}

function bottleneck(figures: JobMetrics, cores = CORES, of: Job = revenue): Bottleneck {
  return bottleneckOf(profileOf(of, figures, cores));
}

t.test("a job that has hardly done anything has no bottleneck that is known", async (t) => {
  const nothing = revenue.steps.map(() => ({ busyMs: 1 }));
  t.strictSame(bottleneck(metrics(nothing)), {
    kind: "unknown",
    text: "bottleneck: unknown, the job had too little to do",
  });
});

t.test(
  "a source that takes most of the time is the bottleneck, and more slots relieve it while there are partitions",
  async (t) => {
    const { kind, text } = bottleneck(metrics([{ busyMs: 470 }]));
    t.equal(kind, "source");
    t.equal(
      text,
      "bottleneck: source `bids` (decodes JSON): 61 % of CPU, 470,000 ns a row, slots busy 98 % → raise parallelism (2 → up to 4), or read fewer columns",
    );
    const all = bottleneck(metrics([{ busyMs: 470, source: { partitions: 2 } }])).text;
    t.match(all, "→ more partitions, then more slots (all 2 partitions have a slot), or");
    t.match(
      bottleneck(metrics([{ busyMs: 470 }]), 2).text,
      "→ a machine with more cores (all 2 cores have a slot), or",
    );
  },
);

t.test("a function that takes most of the time is told with its place", async (t) => {
  const { kind, text } = bottleneck(metrics([{}, { busyMs: 700 }]));
  t.equal(kind, "function");
  t.match(
    text,
    /^bottleneck: JavaScript function at `map` profile\.test\.ts:\d+: 70 % of CPU, 700,000 ns a row, slots busy 98 % → use mapBatch or expressions, or raise parallelism/,
  );
});

t.test("a step of the core or the encoding of a sink may take most of the time", async (t) => {
  const window = bottleneck(metrics([{}, {}, { busyMs: 700 }]));
  t.equal(window.kind, "step");
  t.match(window.text, "bottleneck: window `totals`: 70 % of CPU");
  const sink = bottleneck(metrics([{}, {}, {}, { busyMs: 700 }]));
  t.equal(sink.kind, "encode");
  t.match(sink.text, "bottleneck: sink `revenue` (encodes and writes): 70 % of CPU");
});

t.test("slots that are busy without a CPU wait for one, or for something else", async (t) => {
  const slots = [0, 1].map(() => ({ ...slot({ busy: 98, idle: 2 }), cpuMs: 550 }));
  t.match(
    bottleneck(metrics([{ busyMs: 470 }], slots)).text,
    ", slots busy 98 % but on a CPU only 55 % (others have the cores, or a step waits for something) → ",
  );
});

t.test("a sink whose full queue holds the slots back goes before what they do themselves", async (t) => {
  const slots = [slot({ busy: 15, backpressured: 85 }), slot({ busy: 15, backpressured: 85 })];
  t.strictSame(bottleneck(metrics([{ busyMs: 700 }, {}, {}, { fullMs: 1660 }], slots)), {
    kind: "sink",
    text: "bottleneck: sink `revenue`: queue full 83 % of the time, slots backpressured 85 % → the broker or its partitions: more of them, or compression",
  });
});

t.test("an exchange may hold the slots back", async (t) => {
  const slots = [slot({ busy: 40, backpressured: 60 }), slot({ busy: 40, backpressured: 60 })];
  const { kind, text } = bottleneck(metrics([{}, {}, { fullMs: 1200 }], slots));
  t.equal(kind, "exchange");
  t.match(text, "bottleneck: exchange of `totals`: queue full 60 % of the time, slots backpressured 60 %");
});

t.test("slots that are idle wait for the sources", async (t) => {
  t.strictSame(bottleneck(metrics([], [slot({ busy: 10, idle: 90 }), slot({ busy: 10, idle: 90 })])), {
    kind: "idle",
    text: "bottleneck: none in the job, slots idle 90 % of the time: source `bids` had no more data (fetch-bound) → faster producers, or a faster way to the data; fewer slots would do as much",
  });
  t.equal(bottleneck(metrics([], [slot({ busy: 10, idle: 90 })])).text.includes("fewer slots"), false);
});

t.test("a slot that does most of the work is told with the keys or the partitions that make it so", async (t) => {
  const slots = [slot({ busy: 26, idle: 74 }), slot({ busy: 92, idle: 8 })];
  const keys = bottleneck(metrics([{}, {}, { rowsBySlot: [100, 900] }], slots));
  t.strictSame(keys, {
    kind: "skew",
    text: "bottleneck: slot 1 does 78 % of the work: 90 % of the rows of `totals` have keys that it owns, the keys are skewed (`auction`) → key by something more even, or add up in parts first",
  });
  const reads = bottleneck(metrics([{ rowsBySlot: [100, 900] }], slots));
  t.equal(reads.kind, "skew");
  t.match(
    reads.text,
    "does 78 % of the work: it reads 90 % of the rows of source `bids`, whose 4 partitions are uneven →",
  );
});

t.test("no slot of several is uneven below 65 % of two, or its part of more", async (t) => {
  const kind = (...busy: number[]) =>
    bottleneck(
      metrics(
        [],
        busy.map((share) => slot({ busy: share, idle: 100 - share })),
      ),
    ).kind;
  t.equal(kind(96, 54), "source");
  t.equal(kind(97, 52), "skew");
  t.equal(kind(100, 100, 100), "source");
  t.equal(kind(100, 50, 50), "skew");
  t.equal(kind(100), "source", "one slot does all of it");
});

t.test("a generator is dealt out to as many slots as there are", async (t) => {
  const generated = job("generated", (j) => j.source(generator.bids({ count: 10 })).to(stdout({ format: json() })));
  const { text } = bottleneck(
    metrics([{ busyMs: 900, source: { partitions: 2 } }], undefined, generated),
    CORES,
    generated,
  );
  t.match(text, "(makes its rows): 90 % of CPU");
  t.match(text, "raise parallelism (2 → up to 8)");
});

t.test("the profile draws the steps with their figures, the slots, and the bottleneck", async (t) => {
  const latency = { rows: 12_000, p50Ms: 2.1, p90Ms: 8.4, p99Ms: 41, maxMs: 57 };
  const figures = metrics(
    [
      {
        ...{ rowsOut: 4_000_000, bytes: 850_000_000, busyMs: 14_000, rowsBySlot: [2_000_000, 2_000_000] },
        source: { partitions: 4, watermarkMs: 1, driftMs: 1530 },
      },
      { rowsIn: 4_000_000, rowsOut: 4_000_000, busyMs: 6_000, rowsBySlot: [2_000_000, 2_000_000] },
      {
        ...{ rowsIn: 4_000_000, rowsOut: 12_000, busyMs: 2_400, rowsBySlot: [12_100, 11_900] },
        ...{ exchange: { rows: 24_000, bytes: 1_200_000 }, queue: { now: 0, peak: 0.03 } },
      },
      {
        ...{ rowsIn: 12_000, bytes: 1_100_000, busyMs: 600, fullMs: 500, rowsBySlot: [6_000, 6_000] },
        ...{ queue: { now: 0.02, peak: 0.12 }, latency, eventLatency: { ...latency, p50Ms: 1_800, maxMs: 9_000 } },
      },
    ],
    [
      { busyMs: 11_800, backpressuredMs: 200, idleMs: 400, cpuMs: 11_500, rows: 4_018_100 },
      { busyMs: 11_200, backpressuredMs: 300, idleMs: 900, cpuMs: 11_000, rows: 4_017_900 },
    ],
  );
  // The place of the function moves with this file.
  t.matchSnapshot(profileText(revenue, figures, [], CORES).replace(/profile\.test\.ts:\d+/, "bids.ts:12"));
});

t.test("each endpoint of an HTTP sink has a line", async (t) => {
  const endpoint = {
    ...{
      sink: "sink-1",
      endpoint: "http://a/rows",
      rows: 12_000,
      bytes: 1_100_000,
      requests: 40,
      retries: 2,
      errors: 3,
    },
    ...{ hedges: 1, hedgesWon: 1, delayed: 0, inFlight: 0, waiting: 0, circuit: "closed" as const, isLeaving: false },
    latency: { count: 38, p50Ms: 12, p90Ms: 30, p99Ms: 410, maxMs: 1200 },
  } as const;
  const sent = job("sent", (j) => j.source(generator.bids()).to(http({ url: "http://a/rows", format: json() })));
  const text = profileText(sent, metrics([], undefined, sent), [endpoint, { ...endpoint, sink: "another" }], CORES);
  const lines = text.split("\n").filter((line) => line.includes("http://a/rows"));
  t.strictSame(
    lines.map((line) => line.trim()),
    [
      "http://a/rows: 12,000 rows · 1.0 MB in 40 requests · 2 retries · 3 errors · 1 hedged · p50 12 ms, p99 410 ms, at most 1.2 s",
    ],
  );
});
