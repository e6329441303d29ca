import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient, type Outgoing } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { KafkaBroker } from "../harness/kafka.js";
import { uniqueName } from "./results.js";

const STALL_MS = 60_000;
// By then every queue on the way is full.
const FILLED_AFTER_MS = 20_000;
const PEAK_BYTES = 1024 * 2 ** 20;
const GROWTH_BYTES = 64 * 2 ** 20;

const COUNT = 500_000;
const PADDING = "p".repeat(1000);

function* wideRecords(): Generator<Outgoing> {
  for (let id = 0; id < COUNT; id++) yield { partition: id % 2, value: JSON.stringify({ id, padding: PADDING }) };
}

t.test("memory stays bounded while a sink accepts nothing for a minute, and nothing is lost", async (t) => {
  const source = new KafkaClient(await sharedBrokers(t));
  const sinkBroker = await KafkaBroker.start();
  t.teardown(() => sinkBroker.stop());
  const sink = new KafkaClient(sinkBroker.brokers);
  const name = uniqueName("stalled");
  const [input, output] = [`${name}-in`, `${name}-out`];
  await source.createTopic(input, 2, { "retention.bytes": "-1" });
  await sink.createTopic(output, 2);
  await source.produce(input, wideRecords());

  const env = { JOB: name, BROKERS: source.brokers, INPUT: input, SINK_BROKERS: sink.brokers, OUTPUT: output };
  const job = Job.run("copy.ts", { env: { ...env, UNTIL: "latest" } });
  t.teardown(() => job.signal("SIGKILL"));
  await eventually(async () => (await sink.size(output)) > 0, { what: "the first row", detail: () => job.log });
  sinkBroker.pause();
  const filled = await highestRss(job, FILLED_AFTER_MS);
  const later = await highestRss(job, STALL_MS - FILLED_AFTER_MS);
  sinkBroker.resume();
  const { code } = await job.exited(120_000);

  t.comment(`peak RSS ${Math.round(Math.max(filled, later) / 2 ** 20)} MB`);
  t.ok(later < PEAK_BYTES, `${later} bytes`);
  t.ok(later - filled < GROWTH_BYTES, `grew from ${filled} to ${later} bytes`);
  t.equal(code, 0, job.log);
  t.ok((await sink.size(output)) >= COUNT);
});

async function highestRss(job: Job, duringMs: number): Promise<number> {
  const end = performance.now() + duringMs;
  let highest = 0;
  await eventually(
    () => {
      highest = Math.max(highest, job.rssBytes);
      return performance.now() > end;
    },
    { what: "end of the measurement", withinMs: duringMs + 1000, detail: () => job.log },
  );
  return highest;
}
