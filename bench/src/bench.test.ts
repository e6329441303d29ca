import t from "tap";
import { bid, extra, RECORD_BYTES, record, WIDE_RECORD_BYTES, WINDOW_MS, wideRecord, zipf } from "./dataset.js";
import { cpuSeconds, peakRssBytes } from "./measure.js";
import { plot, ratios, result, table } from "./report.js";
import { type Model, RowModel, WindowModel } from "./throughput/model.js";
import { busiestSlot, slotLine } from "./throughput/slots.js";

function differences(model: Model, rows: readonly Record<string, unknown>[]): number {
  const check = model.check();
  for (const row of rows) check.row(row);
  return check.differences();
}

t.test(
  "every event is a JSON object of 7 fields in 231 bytes, or of 60 in 2 KB, the same for the same seed",
  async (t) => {
    for (let n = 0; n < 1000; n++) {
      const text = record(bid(n * 7919, 1));
      t.equal(Buffer.byteLength(text), RECORD_BYTES);
      t.equal(Object.keys(JSON.parse(text)).length, 7);
      t.equal(JSON.parse(text).extra, extra(bid(n * 7919, 1)));
      const wide = wideRecord(bid(n * 7919, 1));
      t.equal(Buffer.byteLength(wide), WIDE_RECORD_BYTES);
      t.equal(Object.keys(JSON.parse(wide)).length, 60);
    }
    t.strictSame(bid(5, 1), bid(5, 1));
    t.not(bid(5, 1).auction, bid(5, 2).auction);
  },
);

t.test("a result that is missing, wrong or there twice is a difference", async (t) => {
  const model = new WindowModel(10, WINDOW_MS, WINDOW_MS);
  model.add({ auction: 1, bidder: 0, price: 5, dateTime: 3 });
  model.add({ auction: 1, bidder: 0, price: 7, dateTime: WINDOW_MS + 3 });
  const first = { auction: 1, start: 0, n: 1, total: 5, top: 5 };
  const second = { auction: 1, start: WINDOW_MS, n: 1, total: 7, top: 7 };
  t.equal(differences(model, [first, second]), 0);
  t.equal(differences(model, [first]), 1);
  t.equal(differences(model, [first, { ...second, n: 2 }]), 2);
  t.equal(differences(model, [first, second, second]), 1);
  t.equal(differences(model, [first, second, { ...second, auction: 9, n: 0, total: 0, top: 0 }]), 1);
});

t.test("an event is in each hopping window that covers it", async (t) => {
  const model = new WindowModel(10, 3000, 1000);
  model.add({ auction: 2, bidder: 0, price: 5, dateTime: 4500 });
  t.equal(model.rows, 3);
  const rows = [2000, 3000, 4000].map((start) => ({ auction: 2, start, n: 1, total: 5, top: 5 }));
  t.equal(differences(model, rows), 0);
});

t.test("rows without state are compared as often as they are there", async (t) => {
  const model = new RowModel(({ price }) => (price > 5 ? { price } : undefined));
  for (const price of [5, 6, 6, 7]) model.add({ auction: 1, bidder: 0, price, dateTime: 3 });
  t.equal(differences(model, [{ price: 6 }, { price: 7 }, { price: 6 }]), 0);
  t.equal(differences(model, [{ price: 6 }, { price: 7 }, { price: 7 }]), 2);
});

t.test("a few auctions have most of the bids where they go by Zipf's law", async (t) => {
  const auctions = zipf(1000, 1.2);
  const counts = new Map<number, number>();
  for (let k = 0; k < 10_000; k++) {
    const auction = auctions((k / 10_000) * 2 ** 32);
    counts.set(auction, (counts.get(auction) ?? 0) + 1);
  }
  const [first, second] = [counts.get(0) ?? 0, counts.get(1) ?? 0];
  t.ok(first > 2000 && first < 2800, `${first}`);
  t.ok(Math.abs(first / second - 2 ** 1.2) < 0.05, `${first / second}`);
});

t.test("figures are read out of /proc", async (t) => {
  const stat = `7 (a b) ) S ${Array.from({ length: 10 }, () => 0).join(" ")} 250 50 0 0`;
  t.equal(cpuSeconds(stat), 3);
  t.equal(peakRssBytes("VmPeak:\t 9 kB\nVmHWM:\t     2048 kB\n"), 2 * 1024 ** 2);
  t.equal(peakRssBytes("Name: x"), undefined);
});

t.test("the report gives medians, their spread, and how many times as much Millrace does", async (t) => {
  const run = (cpu: number) => ({ seconds: 2, cpuSeconds: cpu, peakRssBytes: 1024 ** 2 });
  const [fast, slow] = [result("Millrace", 1e6, [run(1), run(10), run(2)]), result("loop", 1e6, [run(4)])];
  t.match(fast, { eventsPerSecond: 500_000, eventsPerCpuSecond: 500_000, cpuSecondsPerMillionEvents: 2 });
  t.strictSame(ratios(fast, [slow]), { loop: 4 }, "runs of the same turn are compared");
  t.match(table([fast, slow]), "| Millrace | 500,000 | 500,000 | 100,000–1,000,000 | 2.00 | 1 MB |  |");
  t.match(table([fast, slow]), "| loop | 500,000 | 250,000 |  | 4.00 | 1 MB | 4.00× |");
  t.match(plot("Query W", [fast, slow]), /^<svg .*<\/svg>\n$/s);
});

t.test("the busiest slot is read out of the last line of a job's log", async (t) => {
  const done = {
    msg: "done",
    slots: [
      { rows: 30, cpuMs: 60 },
      { rows: 70, cpuMs: 40 },
    ],
  };
  const share = { rows: 0.7, cpu: 0.6 };
  t.strictSame(busiestSlot(`{"msg":"running with 2 slots"}\n${JSON.stringify(done)}\n`), share);
  t.match(slotLine([share]), "70 % of the rows and 60 % of the slots' CPU time");
  t.equal(busiestSlot("INFO a JVM has ended"), undefined);
});
