import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { record, START } from "../harness/trades.js";
import { uniqueName } from "./results.js";

// The tests mostly wait for looks at the group, the first after 5 s and then every 10 s.
t.jobs = 3;
// A fresh one for each test: tap keeps what it learns of a test in its options.
const alongside = () => ({ buffered: true });
const args = ["--status-every", "0.5"];

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

type Status = { msg: string; lag?: number; brokers?: object[] };

/** The lines of the job's log that tell how it is doing, and the last when it is done. */
function statuses(job: Job): Status[] {
  const lines = job.stderr.split("\n").filter((line) => line.startsWith("{") && line.endsWith("}"));
  return lines.map((line) => JSON.parse(line) as Status).filter(({ msg }) => msg === "status" || msg === "done");
}

/** What they say of its lag. */
const lags = (job: Job) => statuses(job).map(({ lag }) => lag);

const logged = (job: Job, lag: number) =>
  eventually(() => lags(job).at(-1) === lag, {
    what: `lag ${lag} in the log`,
    withinMs: 60_000,
    detail: () => job.log,
  });

t.test(
  "the lag is what open windows hold, and falls when they are written, also as the job ends",
  alongside(),
  async (t) => {
    const name = uniqueName("lag");
    const topics = { INPUT: `${name}-in`, TUMBLING: `${name}-tumbling`, HOPPING: `${name}-hopping` };
    for (const topic of Object.values(topics)) await kafka.createTopic(topic, 1);
    const trade = { partition: 0, account: "a", price: 1, venue: "north" };
    const records = Array.from({ length: 1234 }, (_, index) => record({ ...trade, at: START + (index % 1000) }));
    await kafka.produce(topics.INPUT, records);

    const job = Job.run("windows.ts", {
      env: { ...topics, JOB: name, BROKERS: kafka.brokers, PARALLELISM: "1" },
      args,
    });
    t.teardown(() => job.signal("SIGKILL"));
    await logged(job, records.length);

    await kafka.produce(topics.INPUT, [record({ ...trade, account: "closing", at: START + 10_000_000 })]);
    await eventually(async () => (await kafka.committed(name, topics.INPUT)).get(0) === records.length, {
      what: "the commit of the written windows",
      detail: () => job.log,
    });
    t.equal((await job.stop()).code, 0, job.log);
    t.equal(lags(job).at(-1), 1, job.log);
  },
);

t.test("the lag of topics by pattern is 0 once all is committed, and the broker is up", alongside(), async (t) => {
  const name = uniqueName("lag-pattern");
  const output = `out-${name}`;
  for (const topic of [`${name}-1`, `${name}-2`, output]) await kafka.createTopic(topic, 2);
  for (const topic of [`${name}-1`, `${name}-2`]) {
    await kafka.produce(
      topic,
      [0, 1].map((partition) => ({ partition, value: JSON.stringify({ id: partition }) })),
    );
  }

  const env = { JOB: name, BROKERS: kafka.brokers, PATTERN: `${name}-\\d`, OUTPUT: output, START: "earliest" };
  const job = Job.run("subscription.ts", { env, args });
  t.teardown(() => job.signal("SIGKILL"));
  await logged(job, 0);
  const brokers = await eventually(() => statuses(job).at(-1)?.brokers, {
    what: "the health of the broker",
    detail: () => job.log,
  });
  const [{ roundTripP99Ms, ...broker }, ...others] = brokers as [{ roundTripP99Ms: number }, ...object[]];
  t.strictSame([broker, others], [{ broker: `${kafka.brokers}/1`, state: "up", outstanding: 0 }, []]);
  t.ok(roundTripP99Ms > 0 && roundTripP99Ms < 5000, `${roundTripP99Ms} ms`);
  t.equal((await job.stop()).code, 0, job.log);
});

// In the place of a package that is not installed.
const WITHOUT_RDKAFKA = `data:text/javascript,${encodeURIComponent(`
  import { register } from "node:module";
  register("data:text/javascript," + encodeURIComponent(\`
    export const resolve = (specifier, context, next) => {
      if (specifier === "node-rdkafka") throw new Error("not installed");
      return next(specifier, context);
    };
  \`));
`)}`;

t.test("without node-rdkafka a job runs, and tells no lag", alongside(), async (t) => {
  const name = uniqueName("lag-without");
  const topics = { INPUT: `${name}-in`, OUTPUT: `${name}-out` };
  for (const topic of Object.values(topics)) await kafka.createTopic(topic, 1);
  await kafka.produce(topics.INPUT, [{ partition: 0, value: JSON.stringify({ id: 1, padding: "" }) }]);

  const env = { ...topics, JOB: name, BROKERS: kafka.brokers, SINK_BROKERS: kafka.brokers };
  const job = Job.run("copy.ts", { env: { ...env, NODE_OPTIONS: `--import=${WITHOUT_RDKAFKA}` }, args });
  t.teardown(() => job.signal("SIGKILL"));
  const isRunning = async () => (await kafka.size(topics.OUTPUT)) === 1 && lags(job).length > 0;
  await eventually(isRunning, { what: "the row and a status line", detail: () => job.log });
  t.equal((await job.stop()).code, 0, job.log);
  t.equal(await kafka.size(topics.OUTPUT), 1);
  t.ok(
    lags(job).every((lag) => lag === undefined),
    job.log,
  );
});
