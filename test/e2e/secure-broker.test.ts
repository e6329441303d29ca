import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { selfSigned } from "../harness/certificate.js";
import { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { KafkaBroker } from "../harness/kafka.js";
import { uniqueName } from "./results.js";

const LOGIN = { username: "millrace", password: "the-right-one" };
const WRONG = "not-the-right-one";
const IDS = Array.from({ length: 1000 }, (_, id) => id);

// Those that are refused mostly wait until a client gives up.
t.jobs = 4;
// A fresh one for each test: tap keeps what it learns of a test in its options.
const alongside = () => ({ buffered: true });

let broker: KafkaBroker;
let kafka: KafkaClient;
t.before(async () => {
  broker = await KafkaBroker.start({ login: LOGIN });
  t.teardown(() => broker.stop());
  kafka = new KafkaClient(broker.brokers);
});

type Mechanism = "PLAIN" | "SCRAM-SHA-256";

/** The connection in librdkafka's words. */
const byProperties = (mechanism: Mechanism, password = LOGIN.password, ca: string = broker.certificate) => ({
  brokers: broker.secureBrokers,
  properties: {
    "security.protocol": "SASL_SSL",
    "sasl.mechanism": mechanism,
    "sasl.username": LOGIN.username,
    "sasl.password": password,
    "ssl.ca.location": ca,
  },
});

/** The same in those of the SDK. */
const byOptions = (mechanism: Mechanism) => ({
  brokers: broker.secureBrokers,
  tls: { ca: broker.certificate },
  sasl: { mechanism, ...LOGIN },
});

/** The same with a password that is in a file. */
const byFile = (file: string) => ({
  brokers: broker.secureBrokers,
  tls: { ca: broker.certificate },
  sasl: { mechanism: "PLAIN", username: LOGIN.username, password: { file } },
});

const plain = () => ({ brokers: broker.brokers });

/** A topic with rows, and the name of one that the job may make. */
async function prepare() {
  const name = uniqueName("secure");
  const topics = { INPUT: `${name}-in`, OUTPUT: `${name}-out` };
  await kafka.createTopic(topics.INPUT, 2);
  await kafka.produce(
    topics.INPUT,
    IDS.map((id) => ({ partition: id % 2, value: JSON.stringify({ id }) })),
  );
  const run = (source: object, sink: object, args: string[] = [], env: Record<string, string> = {}) =>
    Job.run("secure.ts", {
      env: { ...topics, JOB: name, SOURCE: JSON.stringify(source), SINK: JSON.stringify(sink), ...env },
      args,
    });
  return { name, topics, run };
}

for (const mechanism of ["PLAIN", "SCRAM-SHA-256"] as const) {
  for (const [words, connection] of [
    ["librdkafka's properties", byProperties],
    ["options", byOptions],
  ] as const) {
    t.test(`${mechanism} by ${words}: topics are made, read, written and committed over SASL_SSL`, async (t) => {
      const { name, topics, run } = await prepare();

      const job = run(connection(mechanism), connection(mechanism), ["--create-topics"]);
      const { code } = await job.exited();

      t.equal(code, 0, job.log);
      t.match(job.stderr, `created topic ${topics.OUTPUT}`);
      const rows = (await kafka.read(topics.OUTPUT)).map(({ value }) => JSON.parse(String(value)).id as number);
      t.strictSame(
        rows.sort((a, b) => a - b),
        IDS,
      );
      const committed = await kafka.committed(name, topics.INPUT);
      t.strictSame([...committed.values()], [IDS.length / 2, IDS.length / 2]);
      t.notOk(job.log.includes(LOGIN.password));
    });
  }
}

t.test("a password in a file lets the job in, and is in nothing that it says", async (t) => {
  const { name, topics, run } = await prepare();
  const file = join(t.testdir({ password: `${LOGIN.password}\n` }), "password");
  const reached = byFile(file);

  const job = run(reached, reached, ["--create-topics"]);
  const { code } = await job.exited();

  t.equal(code, 0, job.log);
  t.match(job.stderr, `created topic ${topics.OUTPUT}`);
  t.equal(await kafka.size(topics.OUTPUT), IDS.length);
  t.notOk(job.log.includes(LOGIN.password));
  const env = { ...topics, JOB: name, SOURCE: JSON.stringify(reached), SINK: JSON.stringify(reached) };
  const explained = Job.explain("secure.ts", { env });
  t.equal((await explained.exited()).code, 0, explained.log);
  t.notOk(explained.log.includes(LOGIN.password));
});

t.test("a file of a password that is not there ends the job, and the error says which", async (t) => {
  const { topics, run } = await prepare();
  const nowhere = join(t.testdir({}), "nowhere");

  const job = run(byFile(nowhere), plain());

  t.equal((await job.exited()).code, 4, job.log);
  t.match(job.stderr, `kafka(${topics.INPUT})`);
  t.match(job.stderr, "sasl.password: the file of a secret cannot be read");
  t.match(job.stderr, nowhere);
  t.match(job.stderr, "write it, or correct its path");
});

t.test("a password is read from its file again when the job restarts", alongside(), async (t) => {
  const { topics, run } = await prepare();
  await kafka.createTopic(topics.OUTPUT, 1);
  const file = join(t.testdir({ password: WRONG }), "password");

  const job = run(byFile(file), plain(), [], { RESTARTS: "100" });
  const isRefused = () => /restarting in .*authentication failed/i.test(job.log) || !job.running;
  await eventually(isRefused, { what: "a restart", withinMs: 60_000, detail: () => job.log });
  await writeFile(file, LOGIN.password);
  const { code } = await job.exited();

  t.equal(code, 0, job.log);
  t.equal(await kafka.size(topics.OUTPUT), IDS.length);
  t.notOk(job.log.includes(LOGIN.password));
});

t.test("the topics are looked at over SASL_SSL before the job starts", async (t) => {
  const { topics, run } = await prepare();

  const job = run(byProperties("PLAIN"), byProperties("PLAIN"));
  const { code } = await job.exited();

  t.equal(code, 5, job.log);
  t.match(job.stderr, "create it, or run with --create-topics");
  t.match(job.stderr, topics.OUTPUT);
});

t.test("dead letters are listed and sent again over SASL_SSL, and a wrong password fails that", async (t) => {
  const { name, topics } = await prepare();
  const DEAD = `${name}-dead`;
  for (const topic of [topics.OUTPUT, DEAD]) await kafka.createTopic(topic, 1);
  await kafka.produce(topics.INPUT, [{ partition: 1, value: '{"id":"x"}' }]);
  const reached = JSON.stringify(byOptions("SCRAM-SHA-256"));
  const env = { ...topics, DEAD, JOB: name, SOURCE: reached, SINK: reached };
  const job = Job.run("secure.ts", { env });
  t.equal((await job.exited()).code, 0, job.log);

  const list = Job.dlq("list", "secure.ts", { env });
  t.equal((await list.exited()).code, 0, list.log);
  t.match(list.stdout, 'expected int64, found "…" (string)');
  const replay = Job.dlq("replay", "secure.ts", { env });
  t.equal((await replay.exited()).code, 0, replay.log);
  t.match(replay.stdout, `source-1: 1 record sent to ${topics.INPUT}`);
  t.equal(await kafka.size(topics.INPUT), IDS.length + 2);

  const wrong = Job.dlq("list", "secure.ts", { env: { ...env, SINK: JSON.stringify(byProperties("PLAIN", WRONG)) } });
  t.equal((await wrong.exited()).code, 5, wrong.log);
  t.match(wrong.stderr, /the cluster does not answer: .*authentication/i);
  t.notOk(wrong.log.includes(WRONG));
});

for (const mechanism of ["PLAIN", "SCRAM-SHA-256"] as const) {
  t.test(
    `${mechanism}: a wrong password ends the job with exit code 4, and the error says so`,
    alongside(),
    async (t) => {
      const { topics, run } = await prepare();

      const job = run(byProperties(mechanism, WRONG), byProperties(mechanism, WRONG));
      const { code } = await job.exited();

      t.equal(code, 4, job.log);
      t.match(job.stderr, `kafka(${topics.INPUT})`);
      t.match(job.stderr, broker.secureBrokers);
      t.match(job.stderr, /authentication failed/i);
      t.match(job.stderr, mechanism === "PLAIN" ? "Invalid username or password" : "invalid credentials");
      t.match(job.stderr, "sasl.");
      t.notOk(job.log.includes(WRONG));
    },
  );
}

t.test("a sink's wrong password ends the job with exit code 5", alongside(), async (t) => {
  const { topics, run } = await prepare();
  await kafka.createTopic(topics.OUTPUT, 1);

  const job = run(plain(), byProperties("PLAIN", WRONG));
  const { code } = await job.exited();

  t.equal(code, 5, job.log);
  t.match(job.stderr, `kafka(${topics.OUTPUT})`);
  t.match(job.stderr, /authentication failed/i);
});

t.test("a certificate of an authority that is not trusted ends the job with exit code 4", alongside(), async (t) => {
  const { run } = await prepare();
  const other = join(t.testdir({ "other.pem": (await selfSigned("127.0.0.1")).certificate }), "other.pem");

  const job = run(byProperties("PLAIN", LOGIN.password, other), byProperties("PLAIN"));
  const { code } = await job.exited();

  t.equal(code, 4, job.log);
  t.match(job.stderr, /certificate verify failed/);
});
