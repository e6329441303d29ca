import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import avsc from "avsc";
import t from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient, type Message } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { SchemaRegistryServer } from "../harness/schema-registry.js";
import { uniqueName } from "./results.js";

let kafka: KafkaClient;
let registry: string;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
  const server = await SchemaRegistryServer.start();
  t.teardown(() => server.stop());
  registry = server.url;
});

const time = { type: "long", logicalType: "timestamp-millis" };
const bidOf = (...fields: object[]) => ({ type: "record", name: "Bid", namespace: "com.example", fields });
const field = (name: string, type: unknown, rest = {}) => ({ name, type, ...rest });

/** The first version: the auction is an int, and the note has another name. */
const FIRST = bidOf(
  field("auction", "int"),
  field("url", "string"),
  field("price", "double"),
  field("remark", ["null", "string"]),
  field("dateTime", time),
);
/** Evolved: int to long, a field removed that nobody reads, one added, and the note in its place. */
const SECOND = bidOf(
  field("added", { type: "map", values: "int" }, { default: {} }),
  field("auction", "long"),
  field("price", "float"),
  field("note", "string", { default: "" }),
  field("dateTime", time),
);
/** Without the note at all. */
const THIRD = bidOf(field("dateTime", time), field("auction", "long"), field("price", "double"));
/** The price is not what is read. */
const INCOMPATIBLE = bidOf(field("auction", "long"), field("price", "string"), field("dateTime", time));

async function post<T>(path: string, body: object): Promise<T> {
  const answer = await fetch(`${registry}/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** Registers a schema under the topic's subject; gives what encodes records of it. */
async function registered(topic: string, schema: object): Promise<(row: object) => Buffer> {
  const { id } = await post<{ id: number }>(`subjects/${topic}-value/versions`, { schema: JSON.stringify(schema) });
  const type = avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: false });
  const header = Buffer.alloc(5);
  header.writeUInt32BE(id, 1);
  return (row) => Buffer.concat([header, type.toBuffer(row)]);
}

/** Decodes records by the schemas that they name. */
async function decoded(messages: Message[]): Promise<Record<string, unknown>[]> {
  const types = new Map<number, avsc.Type>();
  const rows: Record<string, unknown>[] = [];
  for (const { value } of messages) {
    if (value === null || value[0] !== 0) throw new Error("a record without its schema's number");
    const id = value.readUInt32BE(1);
    if (!types.has(id)) {
      const { schema } = (await (await fetch(`${registry}/schemas/ids/${id}`)).json()) as { schema: string };
      types.set(id, avsc.Type.forSchema(JSON.parse(schema), { wrapUnions: false }));
    }
    rows.push({ ...types.get(id)?.fromBuffer(value.subarray(5)) });
  }
  return rows.sort((a, b) => Number(a.auction) - Number(b.auction));
}

async function prepare(about: string) {
  const name = uniqueName(about);
  const topics = { INPUT: `${name}-in`, OUTPUT: `${name}-out`, DEAD: `${name}-dead` };
  for (const topic of Object.values(topics)) await kafka.createTopic(topic, 1);
  return { topics, env: { ...topics, DEAD: "", JOB: name, BROKERS: kafka.brokers, REGISTRY: registry } };
}

const at = 1_700_000_000_000;
const to = (topic: string, values: Buffer[]) =>
  kafka.produce(
    topic,
    values.map((value) => ({ partition: 0, value })),
  );

t.test("records of an independent encoder are read, and an independent decoder reads what is written", async (t) => {
  const { topics, env } = await prepare("avro");
  const encode = await registered(topics.INPUT, FIRST);
  const rows = Array.from({ length: 1000 }, (_, auction) => ({
    auction,
    url: `https://example.com/${auction}`,
    price: auction / 4,
    remark: auction % 3 === 0 ? null : `note ${auction}`,
    dateTime: at + auction,
  }));
  await to(topics.INPUT, rows.map(encode));

  const job = Job.run("avro.ts", { env: { ...env, UNTIL: "latest" } });

  t.equal((await job.exited()).code, 0, job.log);
  const messages = await kafka.read(topics.OUTPUT);
  t.strictSame(
    await decoded(messages),
    rows.map(({ auction, price, remark, dateTime }) => ({ auction, price, note: remark, dateTime })),
  );
  t.ok(messages.every(({ key }) => key !== null));
  const latest = await fetch(`${registry}/subjects/${topics.OUTPUT}-value/versions/latest`);
  const { schema } = (await latest.json()) as { schema: string };
  t.match(JSON.parse(schema), { name: "Written", namespace: "com.example" });
});

/** Lets those through to the registry that have its token, which may change. */
async function guarded(t: { teardown(end: () => void): void }) {
  const guard = { token: "first", url: "" };
  const server = createServer(async (request, response) => {
    if (request.headers.authorization !== `Bearer ${guard.token}`) {
      response.writeHead(401).end();
      return;
    }
    const { method = "GET", url = "" } = request;
    const body = method === "GET" ? null : await text(request);
    const headers = { "content-type": request.headers["content-type"] ?? "application/json" };
    const answer = await fetch(`${registry}${url}`, { method, headers, body });
    response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => server.close());
  guard.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return guard;
}

t.test("a token of the registry lies in a file, which is read again when the job restarts", async (t) => {
  const { topics, env } = await prepare("token");
  const guard = await guarded(t);
  const TOKEN_FILE = join(t.testdir({ token: "first\n" }), "token");
  const first = await registered(topics.INPUT, FIRST);
  await to(topics.INPUT, [first({ auction: 1, url: "", price: 0.5, remark: "old", dateTime: at })]);
  const job = Job.run("avro.ts", { env: { ...env, REGISTRY: guard.url, TOKEN_FILE, RESTARTS: "100" } });
  t.teardown(() => job.signal("SIGKILL"));
  const seen = (what: string, is: () => Promise<boolean> | boolean) =>
    eventually(async () => !job.running || (await is()), { what, withinMs: 60_000, detail: () => job.log });
  await seen("the first row", async () => (await kafka.size(topics.OUTPUT)) >= 1);

  guard.token = "second";
  const second = await registered(topics.INPUT, THIRD);
  await to(topics.INPUT, [second({ auction: 2, price: 1.5, dateTime: at })]);
  await seen("a restart", () => /restarting in .*401/.test(job.log));
  await writeFile(TOKEN_FILE, "second");
  await seen("the second row", async () =>
    (await decoded(await kafka.read(topics.OUTPUT))).some((row) => Number(row.auction) === 2),
  );

  t.equal((await job.stop()).code, 0, job.log);
});

t.test("a schema may evolve while the job runs", async (t) => {
  const { topics, env } = await prepare("evolving");
  const first = await registered(topics.INPUT, FIRST);
  await to(topics.INPUT, [first({ auction: 1, url: "", price: 0.5, remark: "old", dateTime: at })]);
  const job = Job.run("avro.ts", { env });
  t.teardown(() => job.signal("SIGKILL"));
  const written = (count: number) =>
    eventually(async () => (await kafka.size(topics.OUTPUT)) >= count, {
      what: `${count} rows`,
      detail: () => job.log,
    });
  await written(1);

  const second = await registered(topics.INPUT, SECOND);
  const third = await registered(topics.INPUT, THIRD);
  await to(topics.INPUT, [
    second({ added: { a: 1 }, auction: 2 ** 40, price: 1.5, note: "new", dateTime: at }),
    third({ auction: 2, price: 2.5, dateTime: at }),
    first({ auction: 3, url: "", price: 3.5, remark: null, dateTime: at }),
  ]);
  await written(4);

  t.equal((await job.stop()).code, 0, job.log);
  t.strictSame(await decoded(await kafka.read(topics.OUTPUT)), [
    { auction: 1, price: 0.5, note: "old", dateTime: at },
    { auction: 2, price: 2.5, note: null, dateTime: at },
    { auction: 3, price: 3.5, note: null, dateTime: at },
    { auction: 2 ** 40, price: 1.5, note: "new", dateTime: at },
  ]);
});

t.test("a schema that the columns cannot be read from ends the job, or its records are kept", async (t) => {
  const { topics, env } = await prepare("incompatible");
  const good = await registered(topics.INPUT, THIRD);
  const bad = await registered(topics.INPUT, INCOMPATIBLE);
  const refused = bad({ auction: 2, price: "12,5", dateTime: at });
  await to(topics.INPUT, [
    good({ auction: 1, price: 1, dateTime: at }),
    refused,
    Buffer.from("{}"),
    good({ auction: 3, price: 3, dateTime: at }),
  ]);

  const failing = Job.run("avro.ts", { env: { ...env, UNTIL: "latest" } });
  t.equal((await failing.exited()).code, 3, failing.log);
  t.match(failing.stderr, `${topics.INPUT}, partition 0, offset 1: column`);
  t.match(failing.stderr, "the writer's schema has string here, which is not read as float64 (schema ");
  t.match(failing.stderr, `of ${registry})`);

  const keeping = Job.run("avro.ts", { env: { ...env, DEAD: topics.DEAD, UNTIL: "latest" } });
  t.equal((await keeping.exited()).code, 0, keeping.log);
  const dead = await kafka.read(topics.DEAD);
  t.strictSame(
    dead.map(({ value }) => value),
    [refused, Buffer.from("{}")],
  );
  t.equal(String(dead[0]?.headers["millrace.column"]), "price");
  t.match(String(dead[1]?.headers["millrace.reason"]), "it was not written with a schema registry");
  const auctions = (await decoded(await kafka.read(topics.OUTPUT))).map(({ auction }) => auction);
  t.strictSame([...new Set(auctions)], [1, 3]);
});

t.test("a schema that is not registered, and a registry that does not answer, are errors that say so", async (t) => {
  const { topics, env } = await prepare("unregistered");
  const unregistered = Job.run("avro.ts", { env: { ...env, REGISTER: "no", UNTIL: "latest" } });
  t.equal((await unregistered.exited()).code, 5, unregistered.log);
  t.match(unregistered.stderr, `kafka(${topics.OUTPUT}): subject`);
  t.match(unregistered.stderr, "Register the schema, or leave out register: false.");

  const gone = Job.run("avro.ts", { env: { ...env, REGISTRY: "http://127.0.0.1:1", UNTIL: "latest" } });
  t.equal((await gone.exited()).code, 5, gone.log);
  t.match(gone.stderr, "schema registry http://127.0.0.1:1 does not answer");
});

t.test("millrace schema pull gives the columns of a subject as code", async (t) => {
  const { topics } = await prepare("pulled");
  await registered(topics.INPUT, SECOND);

  const pull = new Job(["schema", "pull", "--registry", registry, "--subject", `${topics.INPUT}-value`]);

  t.equal((await pull.exited()).code, 0, pull.log);
  t.equal(
    pull.stdout,
    `import { schema, t } from "millrace";

export const Bid = schema({
  added: t.list(t.struct({ key: t.string(), value: t.int32() })),
  auction: t.int64(),
  price: t.float64(),
  note: t.string(),
  dateTime: t.timestamp("ms"),
});
`,
  );
  const unknown = new Job(["schema", "pull", "--registry", registry, "--subject", "no-such-subject"]);
  t.equal((await unknown.exited()).code, 4, unknown.log);
  t.match(unknown.stderr, 'subject "no-such-subject": schema registry ');
});
