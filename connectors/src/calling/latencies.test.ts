import t from "tap";
import { Latencies } from "./latencies.js";

t.test("quantiles are those of what was recorded, within an eighth above", async (t) => {
  const latencies = new Latencies();
  for (let ms = 1; ms <= 10_000; ms++) latencies.record(ms / 10);
  for (const [share, exact] of [
    [0.5, 500],
    [0.9, 900],
    [0.99, 990],
    [1, 1000],
  ] as const) {
    const found = latencies.quantileMs(share);
    t.ok(found >= exact && found <= exact * 1.125, `${share}: ${found}`);
  }
  t.match(latencies.figures, { count: 10_000, maxMs: 1000 });
});

t.test("every duration is in the bucket that ends at most an eighth above it", async (t) => {
  for (const us of [0, 1, 7, 8, 9, 15, 16, 1000, 65_535, 65_536, 2 ** 31, 2 ** 31 - 1]) {
    const latencies = new Latencies();
    latencies.record(us / 1000);
    latencies.record(1e9);
    const found = latencies.quantileMs(0.5) * 1000;
    t.ok(found >= us - 1e-6 && found <= us + us / 8, `${us}: ${found}`);
  }
});

t.test("there is no quantile of nothing, and none beyond the greatest", async (t) => {
  t.equal(new Latencies().quantileMs(0.99), 0);
  const latencies = new Latencies();
  latencies.record(1e12);
  t.equal(latencies.quantileMs(0.5) <= 1e12, true);
});
