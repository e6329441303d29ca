import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { KafkaBroker } from "../harness/kafka.js";
import { uniqueName } from "./results.js";

const NAMES = { JOB: "trades", BROKERS: "kafka:9092", INPUT: "trades", TUMBLING: "tumbling", HOPPING: "hopping" };

t.test("explain draws the steps, what runs native, keys, windows and columns", async (t) => {
  const explained = Job.explain("windows.ts", { env: NAMES });

  t.equal((await explained.exited()).code, 0, explained.log);
  t.matchSnapshot(explained.stdout);
});

t.test("exit code 2: a wrong command line, a missing file, a wrong plan", async (t) => {
  const option = Job.run("windows.ts", { env: NAMES, args: ["--no-such-option"] });
  t.equal((await option.exited()).code, 2, option.log);

  const missing = Job.run("no-such-job.ts");
  t.equal((await missing.exited()).code, 2, missing.log);
  t.match(missing.stderr, "no-such-job.ts");

  const plan = Job.run("failing.ts", { env: { FAILING: "plan" } });
  t.equal((await plan.exited()).code, 2, plan.log);
  t.match(plan.stderr, "select");
});

t.test("exit code 4: a topic that does not exist", async (t) => {
  const name = uniqueName("no-topic");
  const env = { ...NAMES, JOB: name, BROKERS: await sharedBrokers(t), INPUT: name };
  const job = Job.run("windows.ts", { env });

  t.equal((await job.exited()).code, 4, job.log);
  t.match(job.stderr, name);
});

t.test("exit code 6: an expression that fails on a value, a user function that throws", async (t) => {
  const expression = Job.run("failing.ts", { env: { FAILING: "expression" } });
  t.equal((await expression.exited()).code, 6, expression.log);
  t.match(expression.stderr, "select");

  const thrown = Job.run("failing.ts", { env: { FAILING: "function" } });
  t.equal((await thrown.exited()).code, 6, thrown.log);
  t.match(thrown.stderr, "the function's own reason");
});

t.test("a second Ctrl-C ends a job that cannot drain", async (t) => {
  const source = new KafkaClient(await sharedBrokers(t));
  const sinkBroker = await KafkaBroker.start();
  t.teardown(() => sinkBroker.stop());
  const sink = new KafkaClient(sinkBroker.brokers);
  const name = uniqueName("stuck");
  const [input, output] = [`${name}-in`, `${name}-out`];
  await source.createTopic(input, 2);
  await sink.createTopic(output, 2);
  const send = (id: number) => source.produce(input, [{ partition: 0, value: JSON.stringify({ id, padding: "" }) }]);
  await send(1);

  const env = { JOB: name, BROKERS: source.brokers, INPUT: input, SINK_BROKERS: sink.brokers, OUTPUT: output };
  const job = Job.run("copy.ts", { env });
  t.teardown(() => job.signal("SIGKILL"));
  await eventually(async () => (await sink.size(output)) > 0, { what: "the first row", detail: () => job.log });
  sinkBroker.pause();
  await send(2);
  const logged = job.stderr.length;
  job.signal("SIGINT");
  await eventually(() => job.stderr.length > logged, { what: "word of the stop", detail: () => job.log });
  job.signal("SIGINT");
  const { code } = await job.exited();
  sinkBroker.resume();

  t.equal(code, 130, job.log);
});
