import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { Random } from "../harness/random.js";
import { trades } from "../harness/trades.js";
import { Feed } from "./feed.js";
import { survive } from "./kills.js";
import { uniqueName } from "./results.js";

const KILLS = Number(process.env.MILLRACE_TEST_KILLS ?? "6");
const EVENTS_A_KILL = 10_000;

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

for (const [backend, seed] of [
  ["rocksdb", 61],
  ["fs", 62],
] as const) {
  t.test(`${backend}, seed ${seed}: after ${KILLS} kills every window is there once, and whole`, async (t) => {
    const feed = new Feed(kafka, uniqueName("exactly-once"), trades({ seed, count: EVENTS_A_KILL * (KILLS + 1) }));
    await feed.create();
    const folder = t.testdir({});
    const env = { ...feed.env, BACKEND: backend, CHECKPOINTS: `file:${folder}/checkpoints`, STATE: `${folder}/state` };

    await survive(t, feed, { count: KILLS, random: new Random(seed), env });

    t.strictSame(await feed.differences(), []);
  });
}
