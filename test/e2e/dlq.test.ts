import { readFile } from "node:fs/promises";
import { join } from "node:path";
import t, { type Test } from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient, type Outgoing } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { HttpEndpoint } from "../harness/http-endpoint.js";
import { Job } from "../harness/job.js";
import { freePorts } from "../harness/ports.js";
import { uniqueName } from "./results.js";

type Env = Record<string, string>;
type Command = "list" | "show" | "replay";

const AT = Date.parse("2026-01-31T12:00:00Z");

const good = (id: number) => JSON.stringify({ id, price: 2, city: "a" });
const wrongPrice = (id: number) => JSON.stringify({ id, price: `${id},5`, city: "a" });

/** The bad ones at the offsets 1 to 4 of partition 1. */
const RECORDS: Outgoing[] = [
  { partition: 1, value: good(1) },
  { partition: 1, value: wrongPrice(2), key: "second", timestamp: AT + 2 },
  { partition: 1, value: Buffer.from([0x7b, 0xff, 0xfe]), key: "third", timestamp: AT + 3 },
  { partition: 1, value: wrongPrice(4), key: "fourth", timestamp: AT + 4 },
  { partition: 1, value: null, key: "fifth", timestamp: AT + 5 },
  { partition: 0, value: good(6) },
];
const BAD = RECORDS.slice(1, 5);

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

async function prepare(about: string, changes: Env = {}) {
  const name = uniqueName(about);
  const topics = { INPUT: `${name}-in`, OUTPUT: `${name}-out`, DEAD: `${name}-dead` };
  const fixed = `${name}-fixed`;
  await kafka.createTopic(topics.INPUT, 3);
  for (const topic of [topics.OUTPUT, topics.DEAD, fixed]) await kafka.createTopic(topic, 2);
  const env = { ...topics, JOB: name, BROKERS: kafka.brokers, ON_BAD_RECORD: "deadLetter", ...changes };
  return { topics, fixed, env };
}

/** Runs the job over what is in its input by now. */
async function run(t: Test, env: Env): Promise<void> {
  const job = Job.run("readings.ts", { env });
  t.equal((await job.exited()).code, 0, job.log);
}

async function succeeds(t: Test, command: Command, env: Env, ...args: string[]): Promise<string> {
  const job = Job.dlq(command, "readings.ts", { env, args });
  t.equal((await job.exited()).code, 0, job.log);
  return job.stdout;
}

async function fails(t: Test, code: number, command: Command, env: Env, ...args: string[]): Promise<string> {
  const job = Job.dlq(command, "readings.ts", { env, args });
  t.equal((await job.exited()).code, code, job.log);
  return job.stderr;
}

/** What users see, without what differs from run to run. */
function stable(text: string, env: Env): string {
  const now = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g;
  return text
    .replaceAll(env.DEAD as string, "DEAD")
    .replaceAll(env.JOB as string, "JOB")
    .replaceAll(now, (time) => (time.startsWith("2026-01-31 12:00") ? time : "TIME"))
    .replaceAll(/ {2,}/g, "  ");
}

/** What a replay has brought: partition, key, value and timestamp. */
async function brought(topic: string): Promise<string[]> {
  return (await kafka.read(topic)).map(asText).sort();
}

type Brought = Pick<Outgoing, "key" | "value" | "timestamp">;

function asText({ key, value, timestamp }: Brought | Awaited<ReturnType<KafkaClient["read"]>>[number]): string {
  return `${timestamp} ${key} ${value === null ? "none" : Buffer.from(value).toString("hex")}`;
}

t.test("list and show tell where dead letters are, how many, why, and what they hold", async (t) => {
  const { topics, env } = await prepare("dlq-told");
  const none = await succeeds(t, "list", env);
  t.match(none, /kafka\(.*-dead\) +0 +0$/m);
  t.equal(await succeeds(t, "show", env), "no dead letters\n");
  await kafka.produce(topics.INPUT, RECORDS);
  await run(t, env);
  // Not of this job.
  await kafka.produce(topics.DEAD, [{ partition: 0, value: "other" }]);

  t.matchSnapshot(stable(await succeeds(t, "list", env), env), "list");
  t.matchSnapshot(stable(await succeeds(t, "show", env), env), "show");
  const one = await succeeds(t, "show", env, "--step", "source-1", "--reason", "expected int32", "--limit", "1");
  t.match(one, "offset 3");
  t.notMatch(one, "offset 1");
});

t.test("replay sends key, value and timestamp of each dead letter once", async (t) => {
  const { topics, fixed, env } = await prepare("dlq-replay");
  await kafka.produce(topics.INPUT, RECORDS);
  await run(t, env);

  t.match(
    await succeeds(t, "replay", env, "--to", fixed, "--dry-run"),
    `source-1: 4 records would be sent to ${fixed}`,
  );
  t.equal(await kafka.size(fixed), 0);
  t.match(await succeeds(t, "list", env), /\) +4 +4 /);

  t.match(await succeeds(t, "replay", env, "--to", fixed), `source-1: 4 records sent to ${fixed}`);
  t.strictSame(await brought(fixed), BAD.map(asText).sort());
  t.match(await succeeds(t, "list", env), /\) +4 +0 /);

  t.match(await succeeds(t, "replay", env, "--to", fixed), "source-1: nothing to send: all in ");
  t.equal(await kafka.size(fixed), 4);

  await kafka.produce(topics.INPUT, [{ partition: 2, value: wrongPrice(7), key: "seventh", timestamp: AT + 7 }]);
  await run(t, env);
  // The job reads from the earliest record on: the four came again.
  t.match(await succeeds(t, "replay", env, "--to", fixed), `source-1: 5 records sent to ${fixed}`);
  t.equal(await kafka.size(fixed), 9);
  t.ok((await brought(fixed)).includes(asText({ key: "seventh", value: wrongPrice(7), timestamp: AT + 7 })));
});

t.test("without --to a record goes back to the partition of the topic that it came from", async (t) => {
  const { topics, env } = await prepare("dlq-back");
  await kafka.produce(topics.INPUT, RECORDS);
  await run(t, env);

  t.match(await succeeds(t, "replay", env), `source-1: 4 records sent to ${topics.INPUT}`);

  const back = (await kafka.read(topics.INPUT)).filter(({ partition, offset }) => partition === 1 && offset > 4);
  t.strictSame(back.map(asText).sort(), BAD.map(asText).sort());
});

t.test("--reason passes over the others, which --again sends", async (t) => {
  const { topics, fixed, env } = await prepare("dlq-reason");
  await kafka.produce(topics.INPUT, RECORDS);
  await run(t, env);

  const first = await succeeds(t, "replay", env, "--to", fixed, "--reason", "expected int32");
  t.match(first, `source-1: 2 records sent to ${fixed}`);
  t.match(first, 'source-1: 2 records passed over, without "expected int32" in the reason: --again --reason TEXT');
  t.strictSame(
    await brought(fixed),
    [BAD[0], BAD[2]].map((one) => asText(one as Outgoing)),
  );

  t.match(await succeeds(t, "replay", env, "--to", fixed), "nothing to send");
  await succeeds(t, "replay", env, "--to", fixed, "--again", "--reason", "tombstone");
  t.equal(await kafka.size(fixed), 3);
});

t.test("rows that a sink was refused go to the topic that is named, and nowhere without", async (t) => {
  const { topics, fixed } = await prepare("dlq-refused-rows");
  const [endpoint] = await HttpEndpoint.start(1);
  if (endpoint === undefined) return t.fail("an endpoint");
  t.teardown(() => endpoint.stop());
  endpoint.react = ({ rows }) =>
    rows.some((row) => JSON.parse(row).id === 7) ? { status: 422, text: "unlucky" } : "take";
  const env = {
    JOB: topics.INPUT,
    BROKERS: kafka.brokers,
    DEAD_TOPIC: topics.DEAD,
    COUNT: "100",
    ENDPOINTS: endpoint.url,
  };
  const job = Job.run("http.ts", { env });
  t.equal((await job.exited()).code, 0, job.log);

  const nowhere = Job.dlq("replay", "http.ts", { env });
  t.equal((await nowhere.exited()).code, 2, nowhere.log);
  t.match(nowhere.stderr, "its dead letters came from no topic: name one with --step sink-1 --to TOPIC");

  const replay = Job.dlq("replay", "http.ts", { env, args: ["--step", "sink-1", "--to", fixed] });
  t.equal((await replay.exited()).code, 0, replay.log);
  const [row, ...others] = await kafka.read(fixed);
  t.match(JSON.parse(String(row?.value)), { id: 7 });
  t.strictSame(others, []);
});

t.test("a replay that is killed in the middle is gone on with, and doubles no more than its last batch", async (t) => {
  const { topics, fixed, env } = await prepare("dlq-killed");
  const count = 40_000;
  await kafka.produce(
    topics.INPUT,
    (function* () {
      for (let id = 0; id < count; id++) yield { partition: id % 3, key: String(id), value: wrongPrice(id) };
    })(),
  );
  await run(t, env);

  const killed = Job.dlq("replay", "readings.ts", { env, args: ["--to", fixed] });
  t.teardown(() => killed.signal("SIGKILL"));
  await eventually(async () => (await kafka.size(fixed)) > 0, { what: "a record", detail: () => killed.log });
  killed.signal("SIGKILL");
  await killed.exited();
  const before = await kafka.size(fixed);
  t.ok(before < count, `${before} were sent`);
  const told = await succeeds(t, "replay", env, "--to", fixed);

  const keys: (string | null)[] = [];
  await kafka.each(fixed, ({ key }) => keys.push(key));
  t.equal(new Set(keys).size, count);
  t.ok(keys.length <= count + 1000, `${keys.length - count} came twice`);
  t.match(told, / \d[\d,]* records sent to /);
  t.match(await succeeds(t, "list", env), /\) +40,000 +0 /);
});

t.test("what cannot be replayed is left as it was, and the error says what to do", async (t) => {
  const { topics, fixed, env } = await prepare("dlq-refused");
  await kafka.produce(topics.INPUT, RECORDS);
  await run(t, env);

  const [port] = await freePorts(1);
  for (const [code, says, args, changes] of [
    [2, `job "${env.JOB}" has no step "window-1" with dead letters; those that have: source-1`, ["--step", "window-1"]],
    [2, `are in topic "${topics.DEAD}" already: name another with --to`, ["--to", topics.DEAD]],
    [5, 'topic "nowhere" does not exist: create it, or name another with --to', ["--to", "nowhere"]],
    [5, `dead letters in kafka(nowhere) at ${kafka.brokers}: topic "nowhere" does not exist`, [], { DEAD: "nowhere" }],
    [5, `replay to 127.0.0.1:${port}: the cluster does not answer`, [], { BROKERS: `127.0.0.1:${port}` }],
    [2, "keeps no dead letters; give a source or sink onBadRecord: deadLetter(...)", [], { ON_BAD_RECORD: "skip" }],
  ] as [number, string, string[], Env?][]) {
    t.match(await fails(t, code, "replay", { ...env, ...changes }, ...args), says);
  }

  t.match(await succeeds(t, "replay", env, "--to", fixed), `source-1: 4 records sent to ${fixed}`);
});

t.test("dead letters in files are listed, shown and sent once, also as the lines of another file", async (t) => {
  const folder = t.testdir({});
  const directory = join(folder, "dead");
  const { topics, fixed, env } = await prepare("dlq-files", { ON_BAD_RECORD: "deadFiles", DEAD: directory });
  await kafka.produce(topics.INPUT, RECORDS);
  t.match(await succeeds(t, "list", env), /\) +0 +0$/m);
  await run(t, env);

  t.matchSnapshot(stable(await succeeds(t, "list", env), env), "list");
  t.matchSnapshot(stable(await succeeds(t, "show", env, "--limit", "2"), env), "show");

  const sent = await succeeds(t, "replay", env, "--to", fixed);
  t.match(sent, `source-1: 4 records sent to ${fixed}`);
  t.match(sent, `positions are kept in ${directory}/.millrace-dlq-`);
  t.strictSame(await brought(fixed), BAD.map(asText).sort());
  t.match(await succeeds(t, "list", env), /\) +4 +0 /);
  t.match(await succeeds(t, "replay", env), "source-1: nothing to send: all in ");

  // What came again lies in a file of its own.
  await run(t, env);
  t.match(await succeeds(t, "list", env), /\) +8 +4 /);
  t.match(await succeeds(t, "replay", env), `source-1: 4 records sent to ${topics.INPUT}`);

  const lines = join(folder, "lines.jsonl");
  const written = await succeeds(t, "replay", env, "--again", "--reason", "price", "--to-file", lines);
  t.match(written, `source-1: 4 records sent to ${lines}`);
  t.equal(await readFile(lines, "utf8"), `${wrongPrice(2)}\n${wrongPrice(4)}\n`.repeat(2));
  t.match(await fails(t, 5, "replay", env, "--again", "--to-file", lines), "it is there already; name a new file");
});
