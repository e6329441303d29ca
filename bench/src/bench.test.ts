import t from "tap";
import { bid, Expected, RECORD_BYTES, record, WINDOW_MS } from "./dataset.js";
import { cpuSeconds, peakRssBytes } from "./measure.js";
import { plot, ratios, result, table } from "./report.js";

t.test("every event is a JSON object of 7 fields in 231 bytes, the same for the same seed", async (t) => {
  for (let n = 0; n < 1000; n++) {
    const text = record(bid(n * 7919, 1));
    t.equal(Buffer.byteLength(text), RECORD_BYTES);
    t.equal(Object.keys(JSON.parse(text)).length, 7);
  }
  t.strictSame(bid(5, 1), bid(5, 1));
  t.not(bid(5, 1).auction, bid(5, 2).auction);
});

t.test("a result that is missing, wrong or there twice is a difference", async (t) => {
  const expected = new Expected();
  expected.add({ auction: 1, bidder: 0, price: 5, dateTime: 3 });
  expected.add({ auction: 1, bidder: 0, price: 7, dateTime: WINDOW_MS + 3 });
  const first = { auction: 1, start: 0, n: 1, total: 5, top: 5 };
  const second = { auction: 1, start: WINDOW_MS, n: 1, total: 7, top: 7 };
  t.equal(expected.differences([first, second]), 0);
  t.equal(expected.differences([first]), 1);
  t.equal(expected.differences([first, { ...second, n: 2 }]), 1);
  t.equal(expected.differences([first, second, second]), 1);
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
