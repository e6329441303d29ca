import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { Job } from "../harness/job.js";
import { record, START } from "../harness/trades.js";
import { uniqueName } from "./results.js";

const ACCOUNTS = 200;
const PARTITIONS = 3;

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

const name = (account: number): string => `account-${account}`;

for (const backend of ["rocksdb", "fs"]) {
  t.test(`${backend}: what was broadcast is there after restarts, at every parallelism`, async (t) => {
    const about = uniqueName("broadcast");
    const topics = {
      INPUT: `${about}-in`,
      LIMITS: `${about}-limits`,
      OUTPUT: `${about}-out`,
      MATCHED: `${about}-matched`,
    };
    for (const topic of Object.values(topics)) await kafka.createTopic(topic, PARTITIONS);
    const folder = t.testdir({});
    const state = { BACKEND: backend, CHECKPOINTS: `file:${folder}/checkpoints`, STATE: `${folder}/state` };
    const env = { ...topics, ...state, JOB: about, BROKERS: kafka.brokers, UNTIL: "latest" };
    const run = async (parallelism: number) => {
      const job = Job.run("broadcast.ts", { env: { ...env, PARALLELISM: String(parallelism) } });
      t.equal((await job.exited()).code, 0, job.log);
    };
    const limit = (account: number, limit: number) => ({
      partition: account % PARTITIONS,
      value: JSON.stringify({ account: name(account), limit }),
    });

    // Each account has a limit, and half of them another one later.
    await kafka.produce(
      topics.LIMITS,
      Array.from({ length: ACCOUNTS }, (_, account) => limit(account, account)),
    );
    await run(2);
    await kafka.produce(
      topics.LIMITS,
      Array.from({ length: ACCOUNTS / 2 }, (_, half) => limit(half * 2, 1000 + half)),
    );
    await run(3);
    const limitOf = (account: number): number => (account % 2 === 0 ? 1000 + account / 2 : account);
    const trades = Array.from({ length: ACCOUNTS + 10 }, (_, account) =>
      record({ partition: account % PARTITIONS, account: name(account), price: account, venue: "north", at: START }),
    );
    await kafka.produce(topics.INPUT, trades);
    await run(1);

    const rows = (await kafka.read(topics.OUTPUT)).map(({ value }) => JSON.parse(String(value)));
    const expected = trades.map((_, account) => ({
      account: name(account),
      price: account,
      limit: account < ACCOUNTS ? limitOf(account) : null,
    }));
    t.strictSame(
      rows.sort((a, b) => a.price - b.price),
      expected,
    );
    t.equal((await kafka.read(topics.MATCHED)).length, ACCOUNTS);
  });
}
