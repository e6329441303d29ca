import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { HidingProxy } from "../harness/hiding-proxy.js";
import { Job } from "../harness/job.js";
import { uniqueName } from "./results.js";

const ROWS = 5000;
const SLOTS = 3;
/** After so many answers without a broker some client has been cut off, if that can be. */
const ANSWERS = 10;

t.test("a job goes on after its brokers have told of no broker for a while", async (t) => {
  const kafka = new KafkaClient(await sharedBrokers(t));
  const proxy = await HidingProxy.start(kafka.brokers);
  t.teardown(() => proxy.stop());
  const [input, output] = [uniqueName("hidden-in"), uniqueName("hidden-out")];
  for (const topic of [input, output]) await kafka.createTopic(topic, SLOTS);
  const folder = await mkdtemp(join(tmpdir(), "millrace-hidden-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const job = Job.run("copy.ts", {
    env: {
      ...{ JOB: input, INPUT: input, OUTPUT: output, BROKERS: proxy.brokers, GUARANTEE: "at-least-once" },
      ...{ CHECKPOINTS: `file:${join(folder, "checkpoints")}`, STATE: join(folder, "state") },
      ...{ PARALLELISM: String(SLOTS), PROPERTIES: JSON.stringify({ "topic.metadata.refresh.interval.ms": "100" }) },
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
  const done = async () => {
    const next = [...(await kafka.committed(input, input)).values()];
    return !job.running || next.reduce((sum, offset) => sum + offset, 0) === sent;
  };
  await send();
  await eventually(done, { what: "rows before", detail: () => job.log });
  proxy.hides = true;
  const hidden = () => !job.running || proxy.hidden >= ANSWERS;
  await eventually(hidden, { what: "answers without a broker", detail: () => `${proxy.hidden}\n${job.log}` });
  await send();
  proxy.hides = false;
  await eventually(done, { what: "rows after", detail: () => job.log });

  t.equal((await job.stop()).code, 0, job.log);
  const ids = (await kafka.read(output)).map(({ value }) => JSON.parse(String(value)).id as number);
  t.equal(new Set(ids).size, sent);
});
