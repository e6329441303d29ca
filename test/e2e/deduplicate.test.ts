import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { Random } from "../harness/random.js";
import { record, START } from "../harness/trades.js";
import { uniqueName } from "./results.js";

const KILLS = 3;
const PARTITIONS = 3;

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

/** Topics, and an exactly-once job that keeps its state in this folder. */
async function prepare(folder: string) {
  const name = uniqueName("deduplicate");
  const topics = { INPUT: `${name}-in`, OUTPUT: `${name}-out` };
  for (const topic of Object.values(topics)) await kafka.createTopic(topic, PARTITIONS);
  const env = { ...topics, JOB: name, BROKERS: kafka.brokers, BACKEND: "rocksdb" };
  return { topics, env: { ...env, CHECKPOINTS: `file:${folder}/checkpoints`, STATE: `${folder}/state` } };
}

const send = (topic: string, accounts: readonly number[]) =>
  kafka.produce(
    topic,
    accounts.map((account, index) =>
      record({
        partition: index % PARTITIONS,
        account: `account-${account}`,
        price: 1,
        venue: "north",
        at: START + index,
      }),
    ),
  );

const written = async (topic: string): Promise<string[]> =>
  (await kafka.read(topic)).map(({ value }) => (JSON.parse(String(value)) as { account: string }).account);

t.test("a key goes on once, over kills", async (t) => {
  const random = new Random(71);
  const { topics, env } = await prepare(t.testdir({}));
  const sent = new Set<number>();
  const sendSome = async () => {
    const accounts = Array.from({ length: 5000 }, () => random.below(3000));
    for (const account of accounts) sent.add(account);
    await send(topics.INPUT, accounts);
  };
  for (let kill = 0; kill < KILLS; kill++) {
    const job = Job.run("deduplicate.ts", { env });
    t.teardown(() => job.signal("SIGKILL"));
    const before = await kafka.size(topics.OUTPUT);
    await sendSome();
    await eventually(async () => (await kafka.size(topics.OUTPUT)) > before, { what: "output", detail: () => job.log });
    job.signal("SIGKILL");
    await job.exited();
  }
  await sendSome();
  const job = Job.run("deduplicate.ts", { env: { ...env, UNTIL: "latest", PARALLELISM: "3" } });
  t.equal((await job.exited()).code, 0, job.log);
  const accounts = [...sent].map((account) => `account-${account}`);
  t.strictSame((await written(topics.OUTPUT)).sort(), accounts.sort());
});

t.test("a key goes on again when its ttl is over, also when that was before a restart", async (t) => {
  const { topics, env } = await prepare(t.testdir({}));
  const run = async () => {
    await send(topics.INPUT, [1, 1, 2]);
    const job = Job.run("deduplicate.ts", { env: { ...env, TTL: "3s", UNTIL: "latest" } });
    t.equal((await job.exited()).code, 0, job.log);
  };
  await run();
  const writtenAt = Date.now();
  t.strictSame((await written(topics.OUTPUT)).sort(), ["account-1", "account-2"]);
  await eventually(() => Date.now() > writtenAt + 3000, { what: "the end of the ttl" });
  await run();
  t.strictSame((await written(topics.OUTPUT)).sort(), ["account-1", "account-1", "account-2", "account-2"]);
});
