import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import t from "tap";
import { uniqueName } from "../e2e/results.js";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { s3, timesOf } from "../harness/lake.js";
import { type Mood, StorageProxy } from "../harness/storage-proxy.js";
import { record, trades } from "../harness/trades.js";

const EVENTS = 6_000;
/** After so many requests in a mood of the storage, files have met it on their way there and to where they are seen. */
const REQUESTS = 10;
/** Longer than an answer is waited for. */
const HANGS_MS = 120_000;

t.test("S3 that is throttled, cuts off its answers, hangs and goes has each row once", async (t) => {
  const kafka = new KafkaClient(await sharedBrokers(t));
  const lake = await s3(t);
  const [place, endpoint] = lake.directory.split("endpoint=") as [string, string];
  const proxy = await StorageProxy.start(endpoint);
  t.teardown(() => proxy.stop());
  const input = uniqueName("lake-moods");
  await kafka.createTopic(input, 3);
  const events = trades({ seed: 95, count: EVENTS });
  const state = t.testdir({});
  const job = Job.run("lake.ts", {
    env: {
      ...{ BROKERS: kafka.brokers, INPUT: input, JOB: input, FORMAT: lake.format, RESTARTS: "100" },
      ...{ OUTPUT: `${place}endpoint=${proxy.endpoint}` },
      ...{ CHECKPOINTS: `file:${state}/checkpoints`, STATE: `${state}/state`, ...lake.access },
    },
  });
  t.teardown(() => job.signal("SIGKILL"));
  const restarts = () => job.log.split("restarting in").length;
  const moods: Mood[] = ["errors", "cut", HANGS_MS, "unreachable"];
  const share = Math.ceil(EVENTS / (moods.length + 1));
  const come = async (upTo: number, mood: Mood) => {
    const all = async () => !job.running || (await timesOf(t, lake)).length >= upTo;
    await eventually(all, { what: `${upTo} rows after ${mood}`, withinMs: 120_000, detail: () => job.log });
  };
  await kafka.produce(input, events.slice(0, share).map(record));
  await come(share, "well");
  for (const [n, mood] of moods.entries()) {
    const [requests, starts] = [proxy.troubled + REQUESTS, restarts()];
    await proxy.become(mood);
    await kafka.produce(input, events.slice((n + 1) * share, (n + 2) * share).map(record));
    // Of one that hangs, and of one that is not there, more is asked only once that is given up.
    const met = () => !job.running || proxy.troubled >= requests || restarts() > starts;
    await eventually(met, { what: `what ${mood} does`, withinMs: 120_000, detail: () => job.log });
    await proxy.become("well");
    await come(Math.min((n + 2) * share, EVENTS), mood);
  }
  t.equal((await job.stop()).code, 0, job.log);
  t.strictSame(
    await timesOf(t, lake),
    events.map(({ at }) => at).sort((a, b) => a - b),
  );
  t.comment(`${restarts() - 1} restarts`);
});

t.test("a large file is there though the answer to its last request is lost", async (t) => {
  const lake = await s3(t);
  const [place, endpoint] = lake.directory.split("endpoint=") as [string, string];
  const proxy = await StorageProxy.start(endpoint);
  t.teardown(() => proxy.stop());
  // What cannot be compressed goes up in several parts.
  const rows = Array.from({ length: 100_000 }, (_, id) => ({ id, text: randomBytes(150).toString("base64") }));
  const input = join(t.testdir({ "in.jsonl": rows.map((row) => `${JSON.stringify(row)}\n`).join("") }), "in.jsonl");
  proxy.cutsNext = /^POST .*\?uploadId=/;
  const output = `${place}endpoint=${proxy.endpoint}`;
  const job = Job.run("files.ts", { env: { INPUT: input, OUTPUT: output, COMPRESSION: "gz", ...lake.access } });
  t.teardown(() => job.signal("SIGKILL"));
  t.equal((await job.exited(120_000)).code, 0, job.log);
  t.equal(proxy.cutsNext, undefined, "the answer was cut off");
  const files = await Promise.all((await lake.names()).map(lake.read));
  const lines = files.flatMap((file) => gunzipSync(file).toString().trimEnd().split("\n"));
  t.strictSame(
    lines.map((line) => JSON.parse(line).id).sort((a, b) => a - b),
    rows.map(({ id }) => id),
  );
});
