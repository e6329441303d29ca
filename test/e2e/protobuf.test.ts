import protobufjs from "protobufjs";
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

const head = (...imports: string[]) =>
  [
    'syntax = "proto3";',
    "package com.example;",
    'import "google/protobuf/timestamp.proto";',
    ...imports.map((name) => `import "${name}";`),
  ].join("\n");

/** The first version: the auction is an int32, and there is a message before the bid. */
const FIRST = `${head()}
message Other { string x = 1; }
message Bid {
  int32 auction = 1;
  string url = 2;
  float price = 3;
  optional string note = 4;
  enum Kind { UNKNOWN = 0; OPEN = 1; SEALED = 2; }
  Kind kind = 5;
  repeated string tags = 6;
  google.protobuf.Timestamp date_time = 7;
}`;
/** Evolved: an import, int32 to int64, float to double, a field removed, others added, the numbers others. */
const SECOND = (shared: string) => `${head(shared)}
message Bid {
  map<string, int32> added = 9;
  int64 auction = 1;
  double price = 8;
  oneof text { string note = 4; string comment = 10; }
  shared.Kind kind = 5;
  repeated string tags = 6;
  google.protobuf.Timestamp date_time = 7;
}`;
const SHARED = 'syntax = "proto3";\npackage shared;\nenum Kind { UNKNOWN = 0; OPEN = 1; SEALED = 2; }';
/** The price is not what is read. */
const INCOMPATIBLE = `${head()}\nmessage Bid { int64 auction = 1; string price = 11; string kind = 12; repeated string tags = 13; }`;

async function post<T>(path: string, body: object): Promise<T> {
  const answer = await fetch(`${registry}/${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/vnd.schemaregistry.v1+json" },
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

/** The texts in one root, without their imports. */
function rootOf(...texts: string[]): protobufjs.Root {
  const root = new protobufjs.Root();
  root.addJSON(protobufjs.common.get("google/protobuf/timestamp.proto")?.nested ?? {});
  for (const text of texts) protobufjs.parse(text, root, { keepCase: true });
  root.resolveAll();
  return root;
}

type Reference = { readonly name: string; readonly subject: string; readonly version: number };

/** Registers a schema under the topic's subject; gives what encodes its bids. */
async function registered(
  topic: string,
  schema: string,
  indexes: number[],
  { shared = [], references = [] }: { shared?: string[]; references?: Reference[] } = {},
): Promise<(row: object) => Buffer> {
  const body = { schema, schemaType: "PROTOBUF", references };
  const { id } = await post<{ id: number }>(`subjects/${topic}-value/versions`, body);
  const type = rootOf(...shared, schema).lookupType("com.example.Bid");
  const header = Buffer.from([0, 0, 0, 0, 0, ...indexes]);
  header.writeUInt32BE(id, 1);
  return (row) => Buffer.concat([header, type.encode(type.fromObject(row)).finish()]);
}

/** Decodes records of a sink by the schema that it has registered. */
async function decoded(topic: string, messages: Message[]): Promise<Record<string, unknown>[]> {
  const latest = await fetch(`${registry}/subjects/${topic}-value/versions/latest`);
  const { schema, id } = (await latest.json()) as { schema: string; id: number };
  const type = rootOf(schema).lookupType("com.example.Written");
  const rows = messages.map(({ value }) => {
    if (value === null || value[0] !== 0 || value.readUInt32BE(1) !== id || value[5] !== 0) {
      throw new Error("a record without its schema's number or its message's place");
    }
    return type.toObject(type.decode(value.subarray(6)), { longs: Number, arrays: true });
  });
  return rows.sort((a, b) => Number(a.auction) - Number(b.auction));
}

async function prepare(about: string) {
  const name = uniqueName(about);
  const topics = { INPUT: `${name}-in`, OUTPUT: `${name}-out`, DEAD: `${name}-dead` };
  for (const topic of Object.values(topics)) await kafka.createTopic(topic, 1);
  return { topics, env: { ...topics, JOB: name, BROKERS: kafka.brokers, REGISTRY: registry } };
}

const to = (topic: string, values: (Buffer | null)[]) =>
  kafka.produce(
    topic,
    values.map((value) => ({ partition: 0, value })),
  );

t.test("records of an independent encoder are read, and an independent decoder reads what is written", async (t) => {
  const { topics, env } = await prepare("protobuf");
  const encode = await registered(topics.INPUT, FIRST, [2, 2]);
  const rows = Array.from({ length: 1000 }, (_, auction) => ({
    auction,
    url: `https://example.com/${auction}`,
    price: auction / 4,
    ...(auction % 3 === 0 ? {} : { note: `note ${auction}` }),
    kind: ["UNKNOWN", "OPEN", "SEALED"][auction % 3] as string,
    tags: Array.from({ length: auction % 3 }, (_, index) => `tag ${index}`),
    date_time: { seconds: 1_700_000_000 + auction, nanos: 5_000_000 },
  }));
  await to(topics.INPUT, rows.map(encode));

  const job = Job.run("protobuf.ts", { env: { ...env, UNTIL: "latest" } });

  t.equal((await job.exited()).code, 0, job.log);
  const written = await decoded(topics.OUTPUT, await kafka.read(topics.OUTPUT));
  t.strictSame(
    written.map(({ auction = 0, price = 0, ...row }) => ({ auction, price, ...row })),
    rows.map(({ url: _, date_time: dateTime, ...row }) => ({ ...row, dateTime })),
  );
});

t.test("a schema may evolve while the job runs", async (t) => {
  const { topics, env } = await prepare("evolving");
  const first = await registered(topics.INPUT, FIRST, [2, 2]);
  await to(topics.INPUT, [first({ auction: 1, price: 0.5, note: "old", kind: "OPEN" })]);
  const job = Job.run("protobuf.ts", { env });
  t.teardown(() => job.signal("SIGKILL"));
  const written = (count: number) =>
    eventually(async () => (await kafka.size(topics.OUTPUT)) >= count, {
      what: `${count} rows`,
      detail: () => job.log,
    });
  await written(1);

  const other = `${topics.INPUT}-other`;
  const shared = `${topics.INPUT}/kind.proto`;
  await post(`subjects/${encodeURIComponent(shared)}/versions`, { schema: SHARED, schemaType: "PROTOBUF" });
  const references = [{ name: shared, subject: shared, version: 1 }];
  const second = await registered(other, SECOND(shared), [0], { shared: [SHARED], references });
  await to(topics.INPUT, [
    second({ added: { a: 1 }, auction: 2 ** 40, price: 1.5, note: "new", kind: 2, tags: ["x"] }),
    second({ auction: 2, price: 2.5, comment: "none of the columns", kind: 77 }),
    first({ auction: 3, price: 3.5 }),
  ]);
  await written(4);

  t.equal((await job.stop()).code, 0, job.log);
  t.strictSame(await decoded(topics.OUTPUT, await kafka.read(topics.OUTPUT)), [
    { auction: 1, price: 0.5, note: "old", kind: "OPEN", tags: [] },
    { auction: 2, price: 2.5, kind: "77", tags: [] },
    { auction: 3, price: 3.5, kind: "UNKNOWN", tags: [] },
    { auction: 2 ** 40, price: 1.5, note: "new", kind: "SEALED", tags: ["x"] },
  ]);
});

t.test("records that cannot be read are kept, with the column and the reason", async (t) => {
  const { topics, env } = await prepare("incompatible");
  const good = await registered(topics.INPUT, FIRST, [2, 2]);
  const bad = await registered(`${topics.INPUT}-other`, INCOMPATIBLE, [0]);
  const refused = [bad({ auction: 2, price: "12,5" }), Buffer.from("{}"), good({ auction: 4 }).subarray(0, 8)];
  await to(topics.INPUT, [good({ auction: 1 }), ...refused, good({ auction: 3 })]);

  const job = Job.run("protobuf.ts", { env: { ...env, UNTIL: "latest" } });

  t.equal((await job.exited()).code, 0, job.log);
  const dead = await kafka.read(topics.DEAD);
  t.strictSame(
    dead.map(({ value }) => value),
    refused,
  );
  t.equal(String(dead[0]?.headers["millrace.column"]), "price");
  t.match(String(dead[0]?.headers["millrace.reason"]), "the schema has string here, which is not read as float64");
  t.match(String(dead[1]?.headers["millrace.reason"]), "it was not written with a schema registry");
  t.match(String(dead[2]?.headers["millrace.reason"]), "broken Protobuf: the message ends within a value");
  const auctions = (await decoded(topics.OUTPUT, await kafka.read(topics.OUTPUT))).map(({ auction }) => auction);
  t.strictSame(auctions, [1, 3]);
});

t.test("changes become upserts of a compacted topic, and upserts rows", async (t) => {
  const { topics, env } = await prepare("changes");
  const change = (op: string, before: object | null, after: object | null) =>
    Buffer.from(JSON.stringify({ payload: { op, before, after, source: { ts_ms: 1_700_000_000_000 } } }));
  await to(topics.INPUT, [
    change("c", null, { id: 1, total: 1.5 }),
    change("u", { id: 1 }, { id: 1, total: 2.5 }),
    change("c", null, { id: 2, total: null }),
    change("d", { id: 1 }, null),
    null,
  ]);

  const first = Job.run("changes.ts", { env: { ...env, FROM: "changes", UNTIL: "latest" } });
  t.equal((await first.exited()).code, 0, first.log);
  const upserts = await kafka.read(topics.OUTPUT);
  t.strictSame(
    upserts.map(({ key, value }) => [String(key), value === null ? null : JSON.parse(String(value.subarray(5)))]),
    [
      ["1", { id: 1, total: 1.5, op: "c", sourceTime: 1_700_000_000_000 }],
      ["1", { id: 1, total: 2.5, op: "u", sourceTime: 1_700_000_000_000 }],
      ["2", { id: 2, total: null, op: "c", sourceTime: 1_700_000_000_000 }],
      ["1", null],
    ],
  );

  const second = { ...env, JOB: `${env.JOB}-2`, INPUT: topics.OUTPUT, OUTPUT: topics.DEAD, FROM: "upserts" };
  const back = Job.run("changes.ts", { env: { ...second, UNTIL: "latest" } });
  t.equal((await back.exited()).code, 0, back.log);
  t.strictSame(
    (await kafka.read(topics.DEAD)).map(({ value }) => JSON.parse(String(value))),
    [
      { id: 1, total: 1.5, deleted: false },
      { id: 1, total: 2.5, deleted: false },
      { id: 2, total: null, deleted: false },
      { id: 1, total: null, deleted: true },
    ],
  );

  const pull = new Job(["schema", "pull", "--registry", registry, "--subject", `${topics.OUTPUT}-value`]);
  t.equal((await pull.exited()).code, 0, pull.log);
  t.match(pull.stdout, "  id: t.int64(),\n  total: t.decimal(9, 2).nullable(),\n  op: t.string(),");
});

t.test("millrace schema pull gives the columns of a .proto as code", async (t) => {
  const { topics } = await prepare("pulled");
  const shared = `${topics.INPUT}/kind.proto`;
  await post(`subjects/${encodeURIComponent(shared)}/versions`, { schema: SHARED, schemaType: "PROTOBUF" });
  const references = [{ name: shared, subject: shared, version: 1 }];
  await registered(topics.INPUT, SECOND(shared), [0], { shared: [SHARED], references });

  const pull = new Job(["schema", "pull", "--registry", registry, "--subject", `${topics.INPUT}-value`]);

  t.equal((await pull.exited()).code, 0, pull.log);
  t.equal(
    pull.stdout,
    `import { schema, t } from "millrace";

export const Bid = schema({
  auction: t.int64(),
  note: t.string().nullable(),
  kind: t.string(),
  tags: t.list(t.string()),
  date_time: t.timestamp("ms").nullable(),
  price: t.float64(),
  added: t.list(t.struct({
    key: t.string(),
    value: t.int32(),
  })),
  comment: t.string().nullable(),
});
`,
  );
});
