import t from "tap";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";

t.test("a profile tells at the end of the input that a slow function is the bottleneck", async (t) => {
  const job = Job.run("slow-map.ts", { args: ["--profile"] });

  t.equal((await job.exited()).code, 0, job.log);
  const { stderr } = job;
  t.match(stderr, /generator\(bids\) {2}\[source-1\] {2}native\n│ {3}50,000 rows · /, stderr);
  t.match(stderr, /map {2}\[map-1\] {2}JavaScript\n.*50,000 → 50,000 rows · .* of CPU · [\d,]+ ns a row\n/, stderr);
  t.match(stderr, /stdout {2}\[sink-1\] {2}native\n.*50,000 rows · .*\n.*latency p50 /, stderr);
  t.match(stderr, /slot +busy +backpressured +idle +on CPU +rows +of the work\n +0 +\d+ %.*\n +1 +\d+ %/, stderr);
  t.match(stderr, /bottleneck: JavaScript function at `map` slow-map\.ts:17: \d+ % of CPU/, stderr);
  t.equal(job.stdout.split("\n").length, 50_001);
});

t.test("a profile is told after a signal too, and the exit code stays", async (t) => {
  const job = Job.run("slow-map.ts", { args: ["--profile", "--parallelism", "1"] });
  await eventually(() => job.stdout.length > 0, { what: "the first rows", detail: () => job.log });
  job.signal("SIGTERM");

  t.equal((await job.exited()).code, 0, job.log);
  t.match(job.stderr, "bottleneck: JavaScript function at `map`");
});

t.test("without the option nothing is told of a bottleneck, and the status log has the figures", async (t) => {
  const job = Job.run("slow-map.ts");

  t.equal((await job.exited()).code, 0, job.log);
  t.notMatch(job.stderr, "bottleneck");
  const done = job.stderr.split("\n").find((line) => line.includes('"msg":"done"')) ?? "{}";
  const { steps, slots } = JSON.parse(done);
  t.match(steps[1], { id: "map-1", rowsIn: 50_000, rowsOut: 50_000, fullMs: 0, rowsBySlot: [Number, Number] });
  t.ok(steps[1].busyMs > steps[0].busyMs, done);
  t.match(steps[2], { latency: { rows: 50_000, p50Ms: Number, p99Ms: Number, maxMs: Number } });
  t.equal(slots.length, 2);
  t.match(slots[0], { busyMs: Number, backpressuredMs: Number, idleMs: Number, rows: Number });
});
