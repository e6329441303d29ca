import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { windowed } from "../harness/model.js";
import { record, START, type Trade, trades } from "../harness/trades.js";
import { differences, readResults, uniqueName } from "./results.js";

const TUMBLING = { sizeMs: 5000, slideMs: 5000 };
const HOPPING = { sizeMs: 6000, slideMs: 2000 };
const DRIFT_MS = 30_000;
// The drift is looked at between two batches.
const BATCH = 8192;
const FAST = 0;
const SLOW = 1;
const STEPS = 4;

// Twelve minutes; every fiftieth event is of the slow partition.
const events = trades({ seed: 61, count: 105_000, partitions: 1 }).map((trade, index) =>
  index % 50 === 0 ? { ...trade, partition: SLOW } : trade,
);
const of = (wanted: number) => events.filter(({ partition }) => partition === wanted);
const [fast, slow] = [of(FAST), of(SLOW)];

/** How many events of the fast partition may be read, but for a batch, while the slow one has come to the last of `fed`. */
function allowed(fed: Trade[]): number {
  const slowest = Math.max(...fed.map(({ at }) => at));
  const tooFar = fast.findIndex(({ at }) => at > slowest + DRIFT_MS);
  return tooFar < 0 ? fast.length : tooFar + 1;
}

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

async function start(
  t: { teardown(end: () => void): void },
  parallelism: number,
  sent: Trade[],
  timing: Record<string, string> = { IDLE_TIMEOUT: "600s" },
) {
  const name = uniqueName("drift");
  const topics = {
    INPUT: `${name}-in`,
    READ: `${name}-read`,
    TUMBLING: `${name}-tumbling`,
    HOPPING: `${name}-hopping`,
  };
  for (const topic of Object.values(topics)) await kafka.createTopic(topic, 2);
  const send = (trades: Trade[]) => kafka.produce(topics.INPUT, trades.map(record));
  await send(sent);
  const drift = { MAX_DRIFT: `${DRIFT_MS / 1000}s`, PARALLELISM: String(parallelism) };
  const env = { ...topics, ...timing, ...drift, JOB: name, BROKERS: kafka.brokers };
  const job = Job.run("windows.ts", { env });
  t.teardown(() => job.signal("SIGKILL"));
  /** Waits until so many events have been read; gives how many have. */
  const read = (rows: number) =>
    eventually(
      async () => {
        const size = await kafka.size(topics.READ);
        return size >= rows && size;
      },
      { what: `${rows} events read`, detail: () => job.log },
    );
  return { topics, job, send, read };
}

const closing = (partition: number): Trade => ({
  partition,
  account: "closing",
  price: 0,
  venue: "north",
  at: START + 10_000_000,
});

for (const parallelism of [1, 2]) {
  t.test(`parallelism ${parallelism}: a fast partition waits for a slow one, and no window is lost`, async (t) => {
    const { topics, job, send, read } = await start(t, parallelism, fast);

    t.ok((await read(1)) <= BATCH, "a partition without an event yet is the slowest");
    for (let step = 1; step <= STEPS; step++) {
      const end = (slow.length * step) / STEPS;
      await send(slow.slice((slow.length * (step - 1)) / STEPS, end));
      const least = end + allowed(slow.slice(0, end));
      const size = await read(least);
      t.ok(size <= least + BATCH, `step ${step}: ${size} events were read, expected ${least} and at most a batch more`);
    }
    await send([closing(FAST), closing(SLOW)]);
    const [tumbling, hopping] = [windowed(events, TUMBLING), windowed(events, HOPPING)];
    await eventually(
      async () =>
        (await kafka.size(topics.TUMBLING)) >= tumbling.size && (await kafka.size(topics.HOPPING)) >= hopping.size,
      { what: "every window", detail: () => job.log },
    );
    const { code } = await job.stop();

    t.equal(code, 0, job.log);
    t.strictSame(differences(await readResults(kafka, topics.TUMBLING), tumbling), []);
    t.strictSame(differences(await readResults(kafka, topics.HOPPING), hopping), []);
  });
}

t.test("a partition that is held back after its end was read goes on with the very next event", async (t) => {
  const trade = (partition: number, afterMs: number): Trade => ({ ...closing(partition), at: START + afterMs });
  const ahead = 2 * DRIFT_MS;
  const first = [trade(SLOW, 0), trade(FAST, 0), trade(FAST, ahead)];
  const { topics, job, send, read } = await start(t, 2, first, { IDLE_TIMEOUT: "1s", WHEN_IDLE: "advance" });
  // The clock closes the last window once the ends of both partitions have been read.
  await eventually(async () => (await kafka.size(topics.TUMBLING)) === 2, {
    what: "both windows",
    detail: () => job.log,
  });

  // The slow partition comes back and holds the other; each wait gives it the time to.
  for (const afterMs of [1000, 2000, 3000]) {
    await send([trade(SLOW, afterMs)]);
    await read(first.length + afterMs / 1000);
  }
  await send([trade(FAST, ahead + 1000)]);
  await send([trade(FAST, ahead + 2000), trade(SLOW, ahead)]);
  await read(first.length + 6);

  t.equal((await job.stop()).code, 0, job.log);
  t.equal(await kafka.size(topics.READ), first.length + 6);
});
