import { InternalError, PlanError, SinkError, StateError } from "millrace";
import t from "tap";
import { asLoadError, exitCode, report } from "./exit-code.js";
import { duration, size } from "./figures.js";
import { jsonLine, LiveTable } from "./live-table.js";
import { type Look, Rates } from "./rates.js";
import { exhausted, restarting } from "./restart-messages.js";
import { statusLine } from "./status-line.js";

const look: Look = {
  events: 1_234_567,
  rowsOut: 890,
  late: 3,
  bad: 0,
  commits: 12,
  eventsPerSecond: 45_678.4,
  backpressured: 0.25,
  busy: 0.5,
  watermarkLagMs: 1530,
  steps: [],
  slots: [],
  checkpoints: undefined,
  checkpointAgeMs: undefined,
  restarts: 0,
};

t.test("the status line tells rates, lag, backpressure, late and bad, within the terminal's width", async (t) => {
  t.equal(
    statusLine("revenue", look, 200),
    "revenue · 45,678 events/s · 1,234,567 in · 890 out · watermark 1.5 s behind · backpressure 25 % · 3 late · 0 bad · 12 commits",
  );
  t.match(statusLine("revenue", { ...look, lag: 1234 }, 200), " · 890 out · lag 1,234 · watermark 1.5 s behind · ");
  const broker = { broker: "a:9092/1", roundTripP99Ms: undefined, outstanding: 0 };
  const brokers = [{ ...broker, state: "up" } as const, { ...broker, state: "down" } as const];
  t.match(statusLine("revenue", { ...look, lag: 1, brokers }, 200), " · lag 1 · 1 of 2 brokers down · ");
  t.equal(statusLine("revenue", look, 20).length, 20);
  t.match(statusLine("quiet", { ...look, watermarkLagMs: undefined }, 200), "no watermark yet");
  t.strictSame([0, 999, 61_000, 7_200_000, 200_000_000, -5].map(duration), [
    "0 ms",
    "999 ms",
    "1 min",
    "2 h",
    "2 d",
    "0 ms",
  ]);
});

t.test("the status line of a job with checkpoints tells the last one, its age and its size", async (t) => {
  const line = (changes: Partial<Look>) =>
    statusLine("j", { ...look, ...changes }, 200)
      .split(" · ")
      .slice(8)
      .join(" · ");
  t.equal(line({ checkpoints: { completed: 0, failed: 0 } }), "no checkpoint yet");
  const checkpoints = { completed: 3, failed: 0, lastId: 12, lastBytes: 4_404_019 };
  t.equal(line({ checkpoints, checkpointAgeMs: 3123 }), "checkpoint 12, 3.1 s ago, 4.2 MB");
  t.equal(
    line({ checkpoints: { ...checkpoints, failed: 2 }, checkpointAgeMs: 61_000, restarts: 1 }),
    "checkpoint 12, 1 min ago, 4.2 MB, 2 failed · 1 restart",
  );
  t.strictSame([0, 1023, 1024, 1_572_864, 5 * 1024 ** 3, 3 * 1024 ** 5].map(size), [
    "0 B",
    "1023 B",
    "1.0 KB",
    "1.5 MB",
    "5.0 GB",
    "3072.0 TB",
  ]);
});

t.test("a restart is told with its delay, its attempt and the error", async (t) => {
  const error = new SinkError("the broker is gone", "kafka(x)");
  t.strictSame(restarting({ number: 3, of: 10, delayMs: 2000 }, error), [
    "restarting in 2 s (attempt 3 of 10): kafka(x): the broker is gone",
    { code: "SINK", step: "kafka(x)", detail: undefined, attempt: 3 },
  ]);
  const defect = new InternalError("x", undefined, { cause: "the stack" });
  t.strictSame(restarting({ number: 12, of: Number.POSITIVE_INFINITY, delayMs: 60_000 }, defect), [
    "restarting in 1 min (attempt 12): x",
    { code: "INTERNAL", step: undefined, detail: "the stack", attempt: 12 },
  ]);
  t.equal(exhausted(1), "not restarting: 1 restart has failed");
  t.equal(exhausted(10), "not restarting: 10 restarts in a row have failed");
});

t.test("rates are those since the last look", async (t) => {
  const nothing = { rowsIn: 0, rowsOut: 0, late: 0, bad: 0, bytes: 0, busyMs: 0, fullMs: 0, rowsBySlot: [] };
  const operator = { id: "", name: "", ...nothing };
  const slots = [{ busyMs: 400, backpressuredMs: 0, idleMs: 600, rows: 7 }];
  const metrics = (read: number) => ({
    operators: [
      { ...operator, rowsOut: read, bad: 1 },
      { ...operator, rowsIn: read, rowsOut: 5, late: 2 },
      { ...operator, rowsIn: 5 },
    ],
    slots,
    watermarkMs: 1000,
    backpressured: 0,
    busy: 1,
    commits: 1,
    checkpoints: { completed: 1, failed: 0, lastCompletedAtMs: 2500 },
  });
  const rates = new Rates(["source", "step", "sink"], 0, 2);
  t.match(rates.look(metrics(999), 1000, 3000), {
    events: 1000,
    eventsPerSecond: 1000,
    rowsOut: 5,
    late: 2,
    bad: 1,
    watermarkLagMs: 2000,
    checkpoints: { completed: 1 },
    checkpointAgeMs: 500,
    restarts: 2,
    steps: [{ rowsOut: 999 }, { rowsIn: 999, rowsOut: 5 }, { rowsIn: 5 }],
    slots,
  });
  t.match(rates.look(metrics(1499), 1500, 3000), { events: 1500, eventsPerSecond: 1000 });
});

t.test("a live table keeps the latest rows, the last on top", async (t) => {
  const table = new LiveTable("Bids", 2);
  t.strictSame(table.lines(), ["Bids", "(no rows yet)"]);
  table.add([
    { channel: "a", bids: 1n, mean: 1.5 },
    { channel: "bb", bids: 2000n, mean: 2 },
    { channel: "c", bids: 3n, mean: null },
  ]);
  t.strictSame(table.lines(), [
    "Bids",
    "channel   bids  mean",
    "────────────────────",
    "c            3      ",
    "bb       2,000     2",
  ]);
  t.equal(jsonLine({ n: 12n, s: "x" }), '{"n":12,"s":"x"}');
});

t.test("every error has its exit code, and only user code and defects show a stack", async (t) => {
  t.equal(exitCode(new PlanError("x")), 2);
  t.equal(exitCode(new SinkError("x")), 5);
  t.equal(exitCode(new StateError("x")), 7);
  t.equal(report(new SinkError("the topic is gone", "kafka(x)")), "SinkError: kafka(x): the topic is gone");
  t.match(asLoadError(new TypeError("no")).message, /^the job file failed: TypeError: no/);
});
