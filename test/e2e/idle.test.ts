import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { type Result, windowed } from "../harness/model.js";
import { record, START, trades } from "../harness/trades.js";
import { differences, readResults, uniqueName } from "./results.js";

const MEASURED_MS = 5000;
const MOST_SHARE_OF_A_CORE = 0.01;

const PARTITIONS = [0, 1, 2];

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

t.test("a connected job without events uses almost no CPU", async (t) => {
  const name = uniqueName("idle");
  const topics = { INPUT: `${name}-in`, TUMBLING: `${name}-tumbling`, HOPPING: `${name}-hopping` };
  for (const topic of Object.values(topics)) await kafka.createTopic(topic, PARTITIONS.length);
  const trade = { partition: 0, account: "a", price: 1, venue: "north", at: START };
  await kafka.produce(topics.INPUT, [record(trade)]);

  const job = Job.run("windows.ts", {
    env: { ...topics, JOB: name, BROKERS: kafka.brokers, COMMIT_INTERVAL: "1s" },
  });
  t.teardown(() => job.signal("SIGKILL"));
  await eventually(async () => (await kafka.committed(name, topics.INPUT)).size > 0, {
    what: "the first commit",
    detail: () => job.log,
  });
  // The engine of JavaScript goes on working for a while after the start, and other work makes all work dearer: one quiet
  // stretch shows what the job itself costs.
  const shares: number[] = [];
  await eventually(
    async () => {
      const [cpu, start] = [job.cpuSeconds, performance.now()];
      await eventually(() => performance.now() - start > MEASURED_MS, { what: "end of the measurement" });
      shares.push((job.cpuSeconds - cpu) / ((performance.now() - start) / 1000));
      return Math.min(...shares) < MOST_SHARE_OF_A_CORE;
    },
    { what: "a stretch without work", withinMs: 60_000, detail: () => `shares of a core: ${shares.join(", ")}` },
  );
  t.comment(`${(Math.min(...shares) * 100).toFixed(2)} % of a core`);
  t.equal((await job.stop()).code, 0, job.log);
});

const OUT_OF_ORDERNESS_MS = 1000;
const events = trades({ seed: 51, count: 3000 });
const latest = Math.max(...events.map(({ at }) => at));
const MODEL = {
  TUMBLING: windowed(events, { sizeMs: 5000, slideMs: 5000 }),
  HOPPING: windowed(events, { sizeMs: 6000, slideMs: 2000 }),
};
type Expected = Record<keyof typeof MODEL, Map<string, Result>>;

/** The windows that the events themselves end. */
const over = (windows: Map<string, Result>) =>
  new Map([...windows].filter(([, { end }]) => end <= latest - OUT_OF_ORDERNESS_MS));
const ENDED_BY_EVENTS: Expected = { TUMBLING: over(MODEL.TUMBLING), HOPPING: over(MODEL.HOPPING) };

/** A job that reads a topic which has fallen quiet, and its outputs. */
class Quiet {
  readonly job: Job;
  readonly group: string;
  readonly #topics: Record<keyof typeof MODEL, string>;

  private constructor(input: string, group: string, topics: Record<keyof typeof MODEL, string>, whenIdle: string) {
    this.group = group;
    this.#topics = topics;
    // One slot more than there are partitions has nothing to read from the start: it is no reason to go on either.
    const slots = { PARALLELISM: String(PARTITIONS.length + 1) };
    const env = { ...topics, ...slots, INPUT: input, JOB: group, BROKERS: kafka.brokers, WHEN_IDLE: whenIdle };
    this.job = Job.run("windows.ts", { env });
  }

  static async start(input: string, whenIdle: "wait" | "advance"): Promise<Quiet> {
    const group = uniqueName(whenIdle);
    const topics = { TUMBLING: `${group}-tumbling`, HOPPING: `${group}-hopping` };
    for (const topic of Object.values(topics)) await kafka.createTopic(topic, 1);
    return new Quiet(input, group, topics, whenIdle);
  }

  /** Waits until as many windows have been written as are expected. */
  async written({ TUMBLING, HOPPING }: Expected, what: string): Promise<void> {
    await eventually(
      async () =>
        (await kafka.size(this.#topics.TUMBLING)) >= TUMBLING.size &&
        (await kafka.size(this.#topics.HOPPING)) >= HOPPING.size,
      { what, detail: () => this.job.log },
    );
  }

  async differences({ TUMBLING, HOPPING }: Expected): Promise<string[]> {
    return [
      ...differences(await readResults(kafka, this.#topics.TUMBLING), TUMBLING),
      ...differences(await readResults(kafka, this.#topics.HOPPING), HOPPING),
    ];
  }
}

async function quietTopic(): Promise<string> {
  const input = `${uniqueName("quiet")}-in`;
  await kafka.createTopic(input, PARTITIONS.length);
  await kafka.produce(input, events.map(record));
  return input;
}

t.test("the last windows of a quiet topic fire by the clock, if that is asked for, and otherwise wait", async (t) => {
  const input = await quietTopic();
  const waiting = await Quiet.start(input, "wait");
  t.teardown(() => waiting.job.signal("SIGKILL"));
  await waiting.written(ENDED_BY_EVENTS, "the windows that the events end");

  // What it waits for takes as long as the other job would need.
  const advancing = await Quiet.start(input, "advance");
  t.teardown(() => advancing.job.signal("SIGKILL"));
  await advancing.written(MODEL, "every window, by the clock");
  t.strictSame(await waiting.differences(ENDED_BY_EVENTS), []);
  t.equal((await advancing.job.stop()).code, 0, advancing.job.log);
  t.strictSame(await advancing.differences(MODEL), []);

  const closing = { account: "closing", price: 0, venue: "north", at: START + 10_000_000 };
  await kafka.produce(
    input,
    PARTITIONS.map((partition) => record({ ...closing, partition })),
  );
  await waiting.written(MODEL, "every window, by the next event");
  t.equal((await waiting.job.stop()).code, 0, waiting.job.log);
  t.strictSame(await waiting.differences(MODEL), []);
});

t.test("an event whose windows the clock has fired is late: they are not written again", async (t) => {
  const input = await quietTopic();
  const advancing = await Quiet.start(input, "advance");
  t.teardown(() => advancing.job.signal("SIGKILL"));
  await advancing.written(MODEL, "every window, by the clock");

  await kafka.produce(input, [record({ partition: 0, account: "late", price: 1, venue: "north", at: latest })]);
  await eventually(
    async () => {
      const committed = await kafka.committed(advancing.group, input);
      return [...committed.values()].reduce((sum, offset) => sum + offset, 0) === events.length + 1;
    },
    { what: "the commit of everything", detail: () => advancing.job.log },
  );

  t.equal((await advancing.job.stop()).code, 0, advancing.job.log);
  // Once in the tumbling windows, once in the hopping ones.
  t.match(advancing.job.stderr, '"late":2');
  t.strictSame(await advancing.differences(MODEL), []);
});
