import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { windowed } from "../harness/model.js";
import { Random } from "../harness/random.js";
import { record, START, type Trade, trades } from "../harness/trades.js";
import { differences, readResults, uniqueName } from "./results.js";

const TUMBLING = { sizeMs: 5000, slideMs: 5000 };
const HOPPING = { sizeMs: 6000, slideMs: 2000 };
const PARTITIONS = [0, 1, 2];

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

/** A topic that fills while a job reads it, and the job's outputs. */
class Feed {
  readonly topics: { INPUT: string; TUMBLING: string; HOPPING: string };
  readonly env: Record<string, string>;
  readonly #events: Trade[];
  #sent = 0;

  constructor(name: string, events: Trade[]) {
    this.#events = events;
    this.topics = { INPUT: `${name}-in`, TUMBLING: `${name}-tumbling`, HOPPING: `${name}-hopping` };
    // No partition falls silent here; a machine that stands still for seconds must not make one seem to.
    this.env = { ...this.topics, JOB: name, BROKERS: kafka.brokers, IDLE_TIMEOUT: "60s" };
  }

  async create(): Promise<void> {
    for (const topic of Object.values(this.topics)) await kafka.createTopic(topic, PARTITIONS.length);
  }

  /** Sends the next `share` of all events. */
  async send(share: number): Promise<void> {
    const end = Math.min(this.#events.length, this.#sent + Math.ceil(this.#events.length * share));
    await kafka.produce(this.topics.INPUT, this.#events.slice(this.#sent, end).map(record));
    this.#sent = end;
  }

  /** Sends the rest, and an event a partition that closes every window before it. */
  async finish(): Promise<void> {
    await this.send(1);
    const closing = { account: "closing", price: 0, venue: "north", at: START + 10_000_000 };
    await kafka.produce(
      this.topics.INPUT,
      PARTITIONS.map((partition) => record({ ...closing, partition })),
    );
  }

  /** What is wrong with the results; nothing once every window has been written, whole, at least once. */
  async differences(): Promise<string[]> {
    const duplicates = true;
    return [
      ...differences(await readResults(kafka, this.topics.TUMBLING), windowed(this.#events, TUMBLING), duplicates),
      ...differences(await readResults(kafka, this.topics.HOPPING), windowed(this.#events, HOPPING), duplicates),
    ];
  }

  /** Waits until every window has been written. */
  async complete(job: Job): Promise<void> {
    await eventually(async () => !(await this.differences()).some((line) => line.endsWith(": missing")), {
      what: "every window",
      detail: () => job.log,
    });
  }

  /** Waits until `rows` more windows have been written than there are now. */
  async progress(job: Job, rows: number): Promise<void> {
    const before = await kafka.size(this.topics.TUMBLING);
    await eventually(async () => (await kafka.size(this.topics.TUMBLING)) >= before + rows, {
      what: `${rows} more windows`,
      detail: () => job.log,
    });
  }
}

for (const seed of [31, 32]) {
  t.test(`seed ${seed}: a job killed again and again loses no window and writes none in part`, async (t) => {
    const random = new Random(seed);
    const kills = 5;
    const feed = new Feed(uniqueName("killed"), trades({ seed, count: 60_000 }));
    await feed.create();

    for (let kill = 0; kill < kills; kill++) {
      const job = Job.run("windows.ts", { env: feed.env });
      t.teardown(() => job.signal("SIGKILL"));
      await Promise.all([feed.progress(job, 1 + random.below(150)), feed.send(1 / (kills + 1))]);
      job.signal("SIGKILL");
      await job.exited();
    }
    const job = Job.run("windows.ts", { env: feed.env });
    t.teardown(() => job.signal("SIGKILL"));
    await feed.finish();
    await feed.complete(job);
    await job.stop();

    t.strictSame(await feed.differences(), []);
  });
}

t.test("SIGTERM drains and commits; the next run goes on from there", async (t) => {
  const feed = new Feed(uniqueName("drained"), trades({ seed: 41, count: 40_000 }));
  await feed.create();
  const group = feed.env.JOB as string;

  const first = Job.run("windows.ts", { env: feed.env });
  t.teardown(() => first.signal("SIGKILL"));
  await Promise.all([feed.progress(first, 500), feed.send(0.5)]);
  t.equal((await first.stop()).code, 0, first.log);
  const committed = await kafka.committed(group, feed.topics.INPUT);
  t.strictSame([...committed.keys()].sort(), PARTITIONS);
  t.ok(
    [...committed.values()].every((offset) => offset > 0),
    `committed ${JSON.stringify([...committed])} ${first.log}`,
  );

  const second = Job.run("windows.ts", { env: feed.env });
  t.teardown(() => second.signal("SIGKILL"));
  await feed.finish();
  await feed.complete(second);
  t.equal((await second.stop()).code, 0, second.log);

  t.strictSame(await feed.differences(), []);
});
