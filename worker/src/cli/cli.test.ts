import { PlanError, SinkError } from "millrace";
import t from "tap";
import { asLoadError, exitCode, report } from "./exit-code.js";
import { jsonLine, LiveTable } from "./live-table.js";
import { type Look, Rates } from "./rates.js";
import { duration, statusLine } from "./status-line.js";

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
};

t.test("the status line tells rates, lag, backpressure, late and bad, within the terminal's width", async (t) => {
  t.equal(
    statusLine("revenue", look, 200),
    "revenue · 45,678 events/s · 1,234,567 in · 890 out · watermark 1.5 s behind · backpressure 25 % · 3 late · 0 bad · 12 commits",
  );
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

t.test("rates are those since the last look", async (t) => {
  const operator = { id: "", name: "", rowsIn: 0, rowsOut: 0, late: 0, bad: 0, bytes: 0 };
  const metrics = (read: number) => ({
    operators: [
      { ...operator, rowsOut: read, bad: 1 },
      { ...operator, rowsIn: read, rowsOut: 5, late: 2 },
      { ...operator, rowsIn: 5 },
    ],
    watermarkMs: 1000,
    backpressured: 0,
    busy: 1,
    commits: 1,
  });
  const rates = new Rates(["source", "step", "sink"], 0);
  t.match(rates.look(metrics(999), 1000, 3000), {
    events: 1000,
    eventsPerSecond: 1000,
    rowsOut: 5,
    late: 2,
    bad: 1,
    watermarkLagMs: 2000,
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
  t.equal(report(new SinkError("the topic is gone", "kafka(x)")), "SinkError: kafka(x): the topic is gone");
  t.match(asLoadError(new TypeError("no")).message, /^the job file failed: TypeError: no/);
});
