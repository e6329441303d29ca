import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { Job } from "../harness/job.js";
import { uniqueName } from "./results.js";

const LARGE = 10 * 2 ** 20;

/** Each kind of bad record, and what its error says after the position. */
const KINDS: { kind: string; value: string | Buffer | null; says: string; column?: string }[] = [
  {
    kind: "broken JSON",
    value: '{"id":1,"price":2',
    says: "broken JSON at byte 17: expected ',' or '}' after a field, found the end of the record",
  },
  {
    kind: "a wrong type",
    value: '{"id":1,"price":"12,5","city":"a"}',
    says: 'column "price": expected int32, found "12,5" (string)',
    column: "price",
  },
  {
    kind: "a missing field",
    value: '{"id":1,"price":2}',
    says: 'column "city": missing, and it is not nullable',
    column: "city",
  },
  {
    kind: "a number out of range",
    value: '{"id":1,"price":3000000000,"city":"a"}',
    says: 'column "price": 3000000000 is out of range for int32',
    column: "price",
  },
  {
    kind: "invalid UTF-8",
    value: Buffer.concat([Buffer.from('{"id":1,"price":2,"city":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
    says: 'column "city": invalid UTF-8 at byte 26',
    column: "city",
  },
  {
    kind: "a 10 MB message that is not JSON",
    value: "x".repeat(LARGE),
    says: "broken JSON at byte 0: expected '{', the start of an object",
  },
  { kind: "a tombstone", value: null, says: "a tombstone (no value)" },
];

const good = (id: number) => JSON.stringify({ id, price: 2, city: "a" });

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

async function prepare(about: string) {
  const name = uniqueName(about);
  const topics = { INPUT: `${name}-in`, OUTPUT: `${name}-out`, DEAD: `${name}-dead` };
  for (const topic of Object.values(topics)) await kafka.createTopic(topic, 1, { "max.message.bytes": "33554432" });
  return { name, topics, env: { ...topics, JOB: name, BROKERS: kafka.brokers } };
}

for (const { kind, value, says } of KINDS) {
  t.test(`fail: ${kind} ends the job with exit code 3 and an error that names it`, async (t) => {
    const { topics, env } = await prepare("bad");
    await kafka.produce(topics.INPUT, [
      { partition: 0, value: good(1) },
      { partition: 0, value, key: "k" },
    ]);

    const job = Job.run("readings.ts", { env: { ...env, ON_BAD_RECORD: "fail" } });
    const { code } = await job.exited();

    t.equal(code, 3, job.log);
    const position = `kafka(${topics.INPUT}): ${topics.INPUT}, partition 0, offset 1`;
    const advice = 'The record was not counted. Set onBadRecord to "skip" or deadLetter(...) to keep going.';
    t.ok(job.stderr.includes(JSON.stringify(`${position}: ${says}. ${advice}`).slice(1, -1)), job.stderr);
  });
}

t.test("skip: bad records are left out and counted, and the others go on", async (t) => {
  const { topics, env } = await prepare("skipped");
  await kafka.produce(topics.INPUT, [
    { partition: 0, value: good(1) },
    ...KINDS.map(({ value }) => ({ partition: 0, value, key: "k" })),
    { partition: 0, value: good(2) },
  ]);

  const job = Job.run("readings.ts", { env: { ...env, ON_BAD_RECORD: "skip" } });
  const { code } = await job.exited();

  t.equal(code, 0, job.log);
  t.strictSame(
    (await kafka.read(topics.OUTPUT)).map(({ value }) => JSON.parse(String(value)).id),
    [1, 2],
  );
  t.match(job.stderr, `"bad":${KINDS.length}`);
});

t.test("deadLetter: each bad record arrives with its bytes, its reason and where it was", async (t) => {
  const { name, topics, env } = await prepare("dead");
  await kafka.produce(topics.INPUT, [
    { partition: 0, value: good(1) },
    ...KINDS.map(({ value }, index) => ({ partition: 0, value, key: `key ${index}`, timestamp: 1000 + index })),
    { partition: 0, value: good(2) },
  ]);

  const job = Job.run("readings.ts", { env: { ...env, ON_BAD_RECORD: "deadLetter" } });
  const { code } = await job.exited();

  t.equal(code, 0, job.log);
  t.strictSame(
    (await kafka.read(topics.OUTPUT)).map(({ value }) => JSON.parse(String(value)).id),
    [1, 2],
  );
  const dead = await kafka.read(topics.DEAD);
  t.equal(dead.length, KINDS.length);
  for (const [index, { kind, value, says, column }] of KINDS.entries()) {
    const found = dead.find(({ headers }) => String(headers["millrace.offset"]) === String(index + 1));
    t.strictSame(found?.value, value === null ? null : Buffer.from(value), kind);
    t.equal(found?.key, `key ${index}`, kind);
    const headers = Object.fromEntries(Object.entries(found?.headers ?? {}).map(([key, text]) => [key, String(text)]));
    t.match(headers, {
      "millrace.job": name,
      "millrace.step": `kafka(${topics.INPUT})`,
      "millrace.resource": topics.INPUT,
      "millrace.partition": "0",
      "millrace.timestamp": String(1000 + index),
      ...(column === undefined ? {} : { "millrace.column": column }),
    });
    t.ok(says.endsWith(headers["millrace.reason"] ?? "none"), `${kind}: ${headers["millrace.reason"]}`);
  }
});

t.test("a good record of 10 MB is read and written", async (t) => {
  const { topics, env } = await prepare("large");
  const city = "c".repeat(LARGE);
  await kafka.produce(topics.INPUT, [{ partition: 0, value: JSON.stringify({ id: 1, price: 2, city }) }]);

  const job = Job.run("readings.ts", { env: { ...env, ON_BAD_RECORD: "skip" } });
  const { code } = await job.exited();

  t.equal(code, 0, job.log);
  const [row] = await kafka.read(topics.OUTPUT);
  t.equal(JSON.parse(String(row?.value)).city.length, LARGE);
});
