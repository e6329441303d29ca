import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { HidingProxy } from "../harness/hiding-proxy.js";
import { Job } from "../harness/job.js";
import { uniqueName } from "./results.js";

const ROWS = 5000;
const SLOTS = 3;
/** The `client.id` of sinks. */
const PRODUCERS = "millrace";
/** After so many answers each client has had one. */
const ANSWERS = 10;

for (const guarantee of ["at-least-once", "exactly-once"])
  t.test(`a job goes on after its brokers have told of no broker for a while, ${guarantee}`, async (t) => {
    const copy = await start(t, { GUARANTEE: guarantee });
    await copy.send();
    await copy.done();
    await copy.hide();
    await copy.send();
    copy.proxy.hides = false;
    await copy.done();
    await copy.stop();
  });

t.test("a job starts again after a commit whose group has no coordinator", async (t) => {
  const copy = await start(t, {});
  copy.proxy.misled = PRODUCERS;
  await copy.send();
  const givenUp = () => copy.job.log.includes("has not taken the positions within 10 s");
  await eventually(givenUp, { what: "a commit that is given up", withinMs: 60_000, detail: () => copy.job.log });
  copy.proxy.misled = "";
  await copy.done();
  await copy.stop();
});

/** A job that copies rows from a topic to another, with a proxy before its brokers. */
async function start(t: Test, env: Record<string, string>) {
  const kafka = new KafkaClient(await sharedBrokers(t));
  const proxy = await HidingProxy.start(kafka.brokers);
  t.teardown(() => proxy.stop());
  const [input, output] = [uniqueName("hidden-in"), uniqueName("hidden-out")];
  for (const topic of [input, output]) await kafka.createTopic(topic, SLOTS);
  const folder = await mkdtemp(join(tmpdir(), "millrace-hidden-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const properties = {
    "topic.metadata.refresh.interval.ms": "100",
    // How long a commit is waited for, and how long a transaction that is left behind holds back readers.
    "transaction.timeout.ms": "10000",
  };
  const job = Job.run("copy.ts", {
    env: {
      ...{ JOB: input, INPUT: input, OUTPUT: output, BROKERS: proxy.brokers, PARALLELISM: String(SLOTS) },
      ...{ CHECKPOINTS: `file:${join(folder, "checkpoints")}`, STATE: join(folder, "state") },
      // A transaction that is being committed may be lost with its broker.
      ...{ PROPERTIES: JSON.stringify(properties), RESTARTS: "100", ...env },
    },
  });
  t.teardown(() => job.signal("SIGKILL"));

  let sent = 0;
  const send = async () => {
    const rows = Array.from({ length: ROWS }, (_, n) => ({
      partition: n % SLOTS,
      value: JSON.stringify({ id: sent + n, padding: "" }),
    }));
    await kafka.produce(input, rows);
    sent += ROWS;
  };
  const hide = async () => {
    proxy.hides = true;
    const hidden = () => !job.running || proxy.hidden >= ANSWERS;
    await eventually(hidden, { what: "answers without a broker", detail: () => job.log });
  };
  const done = async () => {
    const committed = async () => {
      const next = [...(await kafka.committed(input, input)).values()];
      return !job.running || next.reduce((sum, offset) => sum + offset, 0) === sent;
    };
    await eventually(committed, { what: `${sent} rows`, withinMs: 60_000, detail: () => job.log });
  };
  const stop = async () => {
    t.equal((await job.stop()).code, 0, job.log);
    const ids = (await kafka.read(output)).map(({ value }) => JSON.parse(String(value)).id as number);
    t.equal(new Set(ids).size, sent);
    if (env.GUARANTEE !== "at-least-once") t.equal(ids.length, sent);
  };
  return { proxy, job, send, hide, done, stop };
}
