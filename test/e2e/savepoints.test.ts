import t, { type Test } from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { record, START, type Trade, trades } from "../harness/trades.js";
import { Feed, PARTITIONS } from "./feed.js";
import { uniqueName } from "./results.js";

const KEYS = Number(process.env.MILLRACE_TEST_SAVEPOINT_KEYS ?? "20000");
const MINUTES_MS = 60_000;

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

type Env = Record<string, string>;

function storedIn(folder: string): Env {
  return { CHECKPOINTS: `file:${folder}/checkpoints`, STATE: `${folder}/state` };
}

function run(t: Test, file: string, env: Env, from?: string): Job {
  const job = from === undefined ? Job.run(file, { env }) : Job.savepoint("restore", file, { env, args: [from] });
  t.teardown(() => job.signal("SIGKILL"));
  return job;
}

async function succeeds(t: Test, command: Job, withinMs?: number): Promise<string> {
  t.equal((await command.exited(withinMs)).code, 0, command.log);
  return command.stdout;
}

async function stopWithSavepoint(t: Test, job: Job, file: string, env: Env, name: string): Promise<void> {
  const withinMs = 5 * MINUTES_MS;
  const told = await succeeds(t, Job.savepoint("create", file, { env, args: [name, "--stop"] }), withinMs);
  t.match(told, new RegExp(`savepoint "${name}" is written: checkpoint \\d+, .*\\njob "${env.JOB}" has ended\\n$`));
  t.equal((await job.exited(withinMs)).code, 0, job.log);
}

t.test("from 2 slots to 4 to 1, from rocksdb to fs and back, every window is there once, and whole", async (t) => {
  const feed = new Feed(kafka, uniqueName("rescale"), trades({ seed: 71, count: 60_000 }));
  await feed.create();
  const env = { ...feed.env, ...storedIn(t.testdir({})) };
  let from: string | undefined;
  for (const [name, PARALLELISM, BACKEND] of [
    ["two-slots", "2", "rocksdb"],
    ["four-slots", "4", "fs"],
    ["one-slot", "1", "rocksdb"],
  ] as const) {
    const job = run(t, "windows.ts", { ...env, PARALLELISM, BACKEND }, from);
    const sending = feed.send(0.3);
    await feed.progress(job, 50);
    await stopWithSavepoint(t, job, "windows.ts", env, name);
    await sending;
    from = name;
  }
  const job = run(t, "windows.ts", { ...env, PARALLELISM: "3", BACKEND: "rocksdb" }, from);
  await feed.finish();
  await feed.complete(job);
  t.equal((await job.stop()).code, 0, job.log);

  t.strictSame(await feed.differences(), []);
});

t.test("list and inspect show what is stored, and a name that is taken fails while the job goes on", async (t) => {
  const feed = new Feed(kafka, uniqueName("stored"), trades({ seed: 72, count: 20_000 }));
  await feed.create();
  const env = { ...feed.env, ...storedIn(t.testdir({})) };
  const stable = (text: string) =>
    text
      .replaceAll(env.JOB as string, "JOB")
      .replaceAll(env.CHECKPOINTS as string, "STORAGE")
      .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, "TIME")
      .replaceAll(/\d+(\.\d)? [KM]?B/g, "SIZE")
      .replaceAll(/in \d+ files/g, "in N files")
      .replaceAll(/checkpoint \d+/g, "checkpoint N")
      .replaceAll(/^( *|before-upgrade +)\d+ {2}TIME/gm, "$1N  TIME")
      .replaceAll(/(JOB-in +\d) +\d+/g, "$1  OFFSET")
      .replaceAll(/ {2,}/g, "  ");
  const command = (name: "list" | "inspect", ...args: string[]) => Job.savepoint(name, "windows.ts", { env, args });

  const killed = run(t, "windows.ts", env);
  await feed.progress(killed, 10, { share: 0.3 });
  killed.signal("SIGKILL");
  await killed.exited();
  // The socket of the worker that was killed is still there.
  const job = run(t, "windows.ts", env);
  await feed.progress(job, 10, { share: 0.3 });
  const create = (...args: string[]) => Job.savepoint("create", "windows.ts", { env, args });
  t.match(await succeeds(t, create("before-upgrade")), /is written: checkpoint \d+, .* in /);
  for (const args of [["before-upgrade"], ["before-upgrade", "--stop"]]) {
    const taken = create(...args);
    t.equal((await taken.exited()).code, 7, taken.log);
    t.match(taken.stderr, 'savepoint "before-upgrade" of job');
    t.match(taken.stderr, "is there already: choose another name");
  }
  await feed.finish();
  await feed.complete(job);
  t.equal((await job.stop()).code, 0, job.log);
  t.strictSame(await feed.differences(), []);

  t.matchSnapshot(stable(await succeeds(t, command("list"))), "list");
  t.matchSnapshot(stable(await succeeds(t, command("inspect", "before-upgrade"))), "inspect");
  const missing = command("inspect", "after-upgrade");
  t.equal((await missing.exited()).code, 7, missing.log);
  t.match(missing.stderr, 'has no savepoint or checkpoint "after-upgrade" in file:');
  t.match(missing.stderr, "there are: before-upgrade, ");
});

t.test("without a running worker there is nobody to ask", async (t) => {
  const env = { JOB: "idle", BROKERS: "kafka:9092", INPUT: "in", TUMBLING: "a", HOPPING: "b" };
  const create = Job.savepoint("create", "windows.ts", { env: { ...env, ...storedIn(t.testdir({})) }, args: ["s"] });
  t.equal((await create.exited()).code, 7, create.log);
  t.match(create.stderr, 'job "idle" is not running here: no worker answers at ');

  const without = Job.savepoint("create", "windows.ts", { env, args: ["s"] });
  t.equal((await without.exited()).code, 2, without.log);
  t.match(without.stderr, 'job "idle" has no storage for savepoints; give it checkpoints');
});

t.test(`a window of ${KEYS} keys goes through two savepoints whole`, { timeout: 30 * MINUTES_MS }, async (t) => {
  const name = uniqueName("many-keys");
  const [INPUT, OUTPUT] = [`${name}-in`, `${name}-out`];
  for (const topic of [INPUT, OUTPUT]) await kafka.createTopic(topic, PARTITIONS.length);
  const env = {
    ...{ JOB: name, BROKERS: kafka.brokers, INPUT, OUTPUT, IDLE_TIMEOUT: "60s" },
    ...storedIn(t.testdir({})),
  };
  const send = (events: Iterable<Trade>) =>
    kafka.produce(
      INPUT,
      (function* () {
        for (const event of events) yield record(event);
      })(),
    );
  function* round(price: number): Generator<Trade> {
    for (let key = 0; key < KEYS; key++) {
      const place = { partition: key % PARTITIONS.length, account: `account-${key}`, venue: "north" };
      yield { ...place, price: key + price, at: START + (key % 1000) };
    }
  }
  let from: string | undefined;
  for (const [savepoint, PARALLELISM, BACKEND] of [
    ["first", "2", "rocksdb"],
    ["second", "4", "fs"],
  ] as const) {
    await send(round(from === undefined ? 1 : 2));
    const job = run(t, "many-keys.ts", { ...env, PARALLELISM, BACKEND }, from);
    await eventually(() => job.stderr.includes("running with"), { what: "the start", detail: () => job.log });
    await eventually(async () => read(await kafka.committed(name, INPUT)) >= KEYS * (from === undefined ? 1 : 2), {
      what: "every event read",
      withinMs: 10 * MINUTES_MS,
      detail: () => job.log,
    });
    await stopWithSavepoint(t, job, "many-keys.ts", env, savepoint);
    from = savepoint;
  }
  const job = run(t, "many-keys.ts", { ...env, PARALLELISM: "1", BACKEND: "rocksdb" }, from);
  const closing = { account: "closing", price: 0, venue: "north", at: START + 10 * 24 * 60 * MINUTES_MS };
  await send(PARTITIONS.map((partition) => ({ ...closing, partition })));
  const written = async () => (await kafka.read(OUTPUT)).map(({ value }) => JSON.parse(String(value)));
  await eventually(async () => (await kafka.size(OUTPUT)) >= KEYS, {
    what: "every key",
    withinMs: 10 * MINUTES_MS,
    detail: () => job.log,
  });
  t.equal((await job.stop(MINUTES_MS)).code, 0, job.log);

  const rows = await written();
  t.equal(rows.length, KEYS);
  t.equal(new Set(rows.map(({ account }) => account)).size, KEYS);
  const wrong = rows.filter(({ account, n, total }) => n !== 2 || total !== 2 * Number(account.slice(8)) + 3);
  t.strictSame(wrong.slice(0, 3), []);
});

/** Records before the committed positions; the marks of transactions, of which the input has none, would count too. */
function read(committed: Map<number, number>): number {
  return [...committed.values()].reduce((sum, offset) => sum + offset, 0);
}
