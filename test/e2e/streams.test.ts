import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient, type Message } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { uniqueName } from "./results.js";

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

type Row = Record<string, unknown> & { id: number };

const rowsOf = (messages: Message[]): Row[] =>
  messages.map(({ value }) => JSON.parse(String(value)) as Row).sort((a, b) => a.id - b.id);
const idsOf = (messages: Message[]): number[] => rowsOf(messages).map(({ id }) => id);

t.test("a union goes to several sinks, as it is and through user functions", async (t) => {
  const name = uniqueName("streams");
  const topics = Object.fromEntries(
    ["LEFT", "RIGHT", "ALL", "MAPPED", "PARTS", "SCORED"].map((topic) => [topic, `${name}-${topic}`]),
  ) as Record<"LEFT" | "RIGHT" | "ALL" | "MAPPED" | "PARTS" | "SCORED", string>;
  for (const topic of Object.values(topics)) await kafka.createTopic(topic, 2);
  const rows = Array.from({ length: 2000 }, (_, id) => ({
    id,
    score: id / 4,
    note: id % 5 === 0 ? null : `note ${id}`,
  }));
  const records = rows.map((row) => ({ partition: row.id % 2, value: JSON.stringify(row) }));
  await kafka.produce(topics.LEFT, records.slice(0, 700));
  await kafka.produce(topics.RIGHT, records.slice(700));

  const job = Job.run("streams.ts", { env: { ...topics, JOB: name, BROKERS: kafka.brokers } });
  const { code } = await job.exited();

  t.equal(code, 0, job.log);
  const all = await kafka.read(topics.ALL);
  t.strictSame(rowsOf(all), rows);
  t.ok(all.every(({ key, value }) => key === String(JSON.parse(String(value)).id)));
  t.ok(all.every(({ headers, value }) => (headers.note?.toString() ?? null) === JSON.parse(String(value)).note));
  t.strictSame(
    rowsOf(await kafka.read(topics.MAPPED)),
    rows.map(({ id, note }) => ({ id: id * 2, note: note ?? "none" })),
  );
  t.equal(
    await kafka.size(topics.PARTS),
    rows.reduce((sum, { id }) => sum + (id % 3), 0),
  );
  t.strictSame(
    rowsOf(await kafka.read(topics.SCORED)),
    rows.map(({ id, score }) => ({ id, doubled: score * 2 })),
  );
});

async function prepare(about: string) {
  const name = uniqueName(about);
  const topics = { first: `${name}-in-1`, second: `${name}-in-2`, other: `other-${name}-in-3`, OUTPUT: `${name}-out` };
  for (const topic of Object.values(topics)) await kafka.createTopic(topic, 1);
  const env = { JOB: name, BROKERS: kafka.brokers, OUTPUT: topics.OUTPUT, PATTERN: `${name}-in-[12]` };
  return { topics, env };
}

const send = (topic: string, ids: number[], timestamp?: number) =>
  kafka.produce(
    topic,
    ids.map((id) => ({
      partition: 0,
      value: JSON.stringify({ id }),
      ...(timestamp === undefined ? {} : { timestamp }),
    })),
  );

t.test("a pattern reads every topic whose whole name matches", async (t) => {
  const { topics, env } = await prepare("pattern");
  await send(topics.first, [1, 2]);
  await send(topics.second, [3]);
  await send(topics.other, [4]);

  const job = Job.run("subscription.ts", { env: { ...env, START: "earliest", UNTIL: "latest" } });

  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(idsOf(await kafka.read(topics.OUTPUT)), [1, 2, 3]);
});

t.test("start at a timestamp leaves earlier records out", async (t) => {
  const { topics, env } = await prepare("timestamp");
  const now = Date.now();
  await send(topics.first, [1, 2], now - 60_000);
  await send(topics.first, [3, 4], now - 30_000);

  const job = Job.run("subscription.ts", { env: { ...env, START: String(now - 45_000), UNTIL: "latest" } });

  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(idsOf(await kafka.read(topics.OUTPUT)), [3, 4]);
});

t.test("start at the latest reads only what comes after the start", async (t) => {
  const { topics, env } = await prepare("latest");
  await send(topics.first, [1, 2]);

  const job = Job.run("subscription.ts", { env: { ...env, START: "latest" } });
  t.teardown(() => job.signal("SIGKILL"));
  let id = 100;
  await eventually(
    async () => {
      await send(topics.first, [id++]);
      return (await kafka.size(topics.OUTPUT)) > 0;
    },
    { what: "a new record", detail: () => job.log },
  );

  t.equal((await job.stop()).code, 0, job.log);
  t.ok(idsOf(await kafka.read(topics.OUTPUT)).every((found) => found >= 100));
});
