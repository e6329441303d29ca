import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Decimal128, type Document, Double, Int32, MongoClient, ObjectId } from "mongodb";
import t, { type Test } from "tap";
import { conform } from "../conformance/conform.js";
import { uniqueName } from "../e2e/results.js";
import { sharedBrokers } from "../harness/broker.js";
import { selfSigned } from "../harness/certificate.js";
import { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { MongoServer } from "../harness/mongodb.js";
import connector from "./mongodb.js";

conform(t, connector);

/** A replica set of the genuine server, for what the stand-in does not have. */
const REPLICA_SET = process.env.MILLRACE_MONGODB_URL;

let server: MongoServer;
t.before(async () => {
  server = await MongoServer.start();
  t.teardown(() => server.stop());
});

const collectionOf = (name: string, of = server) => of.client.db("test").collection<Document>(name);

function run(t: Test, file: string, env: Record<string, string>, of = server): Job {
  const job = Job.run(file, { env: { URL: of.url, ...env } });
  t.teardown(() => job.signal("SIGKILL"));
  return job;
}

interface Written {
  readonly collection: string;
  readonly options?: object;
  readonly env?: Record<string, string>;
}

const write = (t: Test, { collection, options = {}, env = {} }: Written, of = server) =>
  run(t, "mongodb-sink.ts", { COLLECTION: collection, OPTIONS: JSON.stringify(options), ...env }, of);

const statusOf = (job: Job) => JSON.parse(String(job.stderr.trim().split("\n").at(-1)));

/** The lines of the files in a folder that are complete. */
function linesIn(folder: string): Record<string, unknown>[] {
  const names = readdirSync(folder).filter((name) => name.endsWith(".jsonl"));
  const texts = names.map((name) => readFileSync(join(folder, name), "utf8").trim());
  return texts.flatMap((text) => (text === "" ? [] : text.split("\n"))).map((line) => JSON.parse(line));
}

/** What is wrong with rows that are numbered, where `absent` says which are not to be there. */
async function wrong(collection: string, count: number, absent = (_: number) => false, of = server): Promise<string[]> {
  const rows = await collectionOf(collection, of).find().toArray();
  const known = new Map(rows.map((row) => [Number(row._id), row]));
  const lines = [...known.keys()].filter((id) => id < 0 || id >= count).map((id) => `row ${id} is not expected`);
  for (let id = 0; id < count; id++) {
    const row = known.get(id);
    if ((row === undefined) !== absent(id)) lines.push(`row ${id} is ${row === undefined ? "missing" : "there"}`);
    else if (row !== undefined && Number(row.serial) !== id) lines.push(`row ${id} is ${JSON.stringify(row.serial)}`);
  }
  return lines.slice(0, 20);
}

const isGone = (id: number) => id % 10 === 9;

t.test("each row is a document, and those that are to go are not there", async (t) => {
  for (const options of [{}, { write: "update" }, { ordered: true }, { concurrency: 4, writeConcern: { w: 1 } }]) {
    const collection = uniqueName("rows");
    await collectionOf(collection).insertMany([
      { _id: 9 as never, serial: 9 },
      { _id: 10 as never, serial: 10, more: "kept by an update" },
    ]);
    const job = write(t, { collection, options: { deleteWhere: "gone", ...options }, env: { COUNT: "5000" } });
    t.equal((await job.exited()).code, 0, job.log);
    t.strictSame(await wrong(collection, 5000, isGone), []);
    const ten = await collectionOf(collection).findOne({ serial: 10 });
    t.strictSame(Object.keys(ten ?? {}).sort(), ["_id", "key", ...("write" in options ? ["more"] : []), "serial"]);
  }
});

t.test("what is there stays as it is where rows are inserted only", async (t) => {
  const collection = uniqueName("rows");
  await collectionOf(collection).insertOne({ _id: 5 as never, serial: 5, first: true });
  const job = write(t, { collection, options: { write: "insert" }, env: { COUNT: "1000" } });
  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(await wrong(collection, 1000), []);
  t.match(await collectionOf(collection).findOne({ serial: 5 }), { first: true });
});

t.test("an id of several columns is a document of them", async (t) => {
  const collection = uniqueName("rows");
  const job = write(t, { collection, options: { id: ["key", "serial"], shardKey: ["key"] }, env: { COUNT: "100" } });
  t.equal((await job.exited()).code, 0, job.log);
  const rows = await collectionOf(collection).find().toArray();
  t.equal(rows.length, 100);
  t.strictSame(
    rows.map(({ _id }) => _id),
    rows.map(({ key, serial }) => ({ key, serial })),
  );
});

/** An index that lets no second document have the serial numbers of ten rows. */
async function withTaken(collection: string): Promise<void> {
  await collectionOf(collection).createIndex({ serial: 1 }, { unique: true });
  await collectionOf(collection).insertMany(
    Array.from({ length: 10 }, (_, n) => ({ _id: `taken ${n}` as never, serial: n * 100 + 7 })),
  );
}

t.test("rows that the server refuses go to the dead letters, and all others are written", async (t) => {
  for (const options of [{}, { ordered: true }]) {
    const collection = uniqueName("refusing");
    await withTaken(collection);
    const dead = join(t.testdir({}), collection);
    const job = write(t, { collection, options, env: { COUNT: "1000", DEAD: dead } });
    t.equal((await job.exited()).code, 0, job.log);
    t.equal(await collectionOf(collection).countDocuments(), 1000);
    const letters = linesIn(dead);
    const ids = letters.map(({ value }) => JSON.parse(Buffer.from(String(value), "base64").toString()).serial);
    t.strictSame(
      ids.sort((a, b) => a - b),
      Array.from({ length: 10 }, (_, n) => n * 100 + 7),
    );
    t.match(letters[0], { reason: /E11000 duplicate key/, resource: "mongodb" });
    t.match(statusOf(job), { bad: 10 });
  }
});

t.test("without dead letters a row that is refused ends the job and is named", async (t) => {
  const collection = uniqueName("refusing");
  await withTaken(collection);
  const job = write(t, { collection, env: { COUNT: "1000" } });
  t.equal((await job.exited()).code, 3, job.log);
  t.match(job.stderr, /refused the row \{\\"serial\\":\d*7,.*E11000 duplicate key/);
});

t.test("a server that is killed and comes back has every row", async (t) => {
  const server = await MongoServer.start({ keeps: true });
  t.teardown(() => server.stop());
  const [collection, count] = [uniqueName("rows"), 4000];
  const env = { COUNT: String(count) };
  const job = write(t, { collection, options: { batch: { rows: 100 } }, env }, server);
  for (const share of [0.1, 0.5]) {
    const rows = () => collectionOf(collection, server).countDocuments();
    await eventually(async () => (await rows()) > share * count, { what: "rows", detail: () => job.log });
    await server.kill();
    await server.restart();
  }
  t.equal((await job.exited(120_000)).code, 0, job.log);
  t.strictSame(await wrong(collection, count, () => false, server), []);
});

t.test("a server that is not there ends the job, and the error says what to look at", async (t) => {
  const job = run(t, "mongodb-sink.ts", { URL: "mongodb://127.0.0.1:1", COLLECTION: "rows", COUNT: "10" });
  t.equal((await job.exited()).code, 5, job.log);
  t.match(
    job.stderr,
    /mongodb\(test.rows\): connecting: .*ECONNREFUSED.*Check the url, tls, and whether the server is up/,
  );
});

t.test("over TLS the server has to show a certificate that is trusted", async (t) => {
  const tls = await selfSigned("127.0.0.1");
  const guarded = await MongoServer.start({ tls });
  t.teardown(() => guarded.stop());
  const folder = t.testdir({ "ca.pem": tls.certificate, "other.pem": (await selfSigned("127.0.0.1")).certificate });
  const trusting = (file: string) =>
    write(t, { collection: "rows", options: { tls: { ca: join(folder, file) } }, env: { COUNT: "1000" } }, guarded);
  const job = trusting("ca.pem");
  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(await wrong("rows", 1000, () => false, guarded), []);
  for (const [file, says] of [
    ["other.pem", /self-signed certificate.*Check the url, tls/],
    ["nowhere.pem", /nowhere\.pem/],
  ] as const) {
    const stopped = trusting(file);
    t.equal((await stopped.exited()).code, 5, stopped.log);
    t.match(stopped.stderr, says);
  }
});

t.test("a worker that is killed again and again writes every row of its topic", async (t) => {
  const kafka = new KafkaClient(await sharedBrokers(t));
  const name = uniqueName("mongodb");
  await kafka.createTopic(name, 4);
  const count = 40_000;
  // Each document is written twice, and deleted, or written once more, last.
  const row = (n: number, round: number) => ({
    value: JSON.stringify({ key: `round ${round}`, serial: n, gone: round === 1 && isGone(n) }),
    partition: n % 4,
  });
  for (const round of [0, 1])
    await kafka.produce(
      name,
      Array.from({ length: count / 2 }, (_, n) => row(n, round)),
    );
  const folder = t.testdir({});
  const env = {
    ...{ INPUT: name, BROKERS: kafka.brokers, JOB: name },
    ...{ CHECKPOINTS: join(folder, "checkpoints"), STATE: join(folder, "state") },
  };
  const start = () => write(t, { collection: name, options: { deleteWhere: "gone", batch: { rows: 100 } }, env });
  const rows = (filter: Document = {}) => collectionOf(name).countDocuments(filter);
  for (const share of [0.1, 0.4, 0.8]) {
    const job = start();
    await eventually(async () => (await rows()) > (share * count) / 2, { what: "rows", detail: () => job.log });
    job.signal("SIGKILL");
    await job.exited();
  }
  const job = start();
  const done = async () =>
    (await rows({ key: "round 1" })) === (count / 2) * 0.9 && (await rows()) === (count / 2) * 0.9;
  await eventually(done, { what: "all rows", withinMs: 90_000, detail: () => job.log });
  t.equal((await job.stop()).code, 0, job.log);
  t.strictSame(await wrong(name, count / 2, isGone), []);
});

t.test("rows are joined with what two collections have for their keys", async (t) => {
  const [persons, prices] = [uniqueName("persons"), uniqueName("prices")];
  const count = 5000;
  // Keys of other types look like ours and are not; of several documents of a key the first one counts.
  await collectionOf(persons).insertMany([
    ...Array.from({ length: 80 }, (_, n) => ({ _id: String(n) as never, name: `person ${n}`, joined: new Date(n) })),
    { _id: 85 as never, name: "a number", joined: new Date(0) },
  ]);
  await collectionOf(prices).insertMany(
    Array.from({ length: 60 }, (_, n) =>
      [0, 1].map((nth) => ({
        _id: `${n} ${nth}` as never,
        shop: n % 2 === 0 ? new Int32(n % 7) : new Double(n % 7),
        item: String(n),
        price: Decimal128.fromString(`${n}.${nth}`),
      })),
    ).flat(),
  );
  const job = run(t, "mongodb-lookup.ts", { COUNT: String(count), PERSONS: persons, PRICES: prices });
  t.equal((await job.exited()).code, 0, job.log);
  const found = job.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { n: number; price: string | null })
    .sort((a, b) => a.n - b.n);
  const expected = [];
  for (let n = 0; n < count; n++) {
    const person = n % 100;
    if (person >= 80) continue;
    const hasPrice = person < 60 && n % 7 === person % 7;
    const price = hasPrice ? `${person}.00` : null;
    expected.push({ n, name: `person ${person}`, joined: person, price });
  }
  const shown = found.map((row) => ({ ...row, price: row.price === null ? null : Number(row.price).toFixed(2) }));
  t.strictSame(shown, expected);
});

t.test("a lookup in a collection that is not there ends the job and names those that are", async (t) => {
  const persons = uniqueName("persons");
  await collectionOf(persons).insertOne({ name: "somebody" });
  const job = run(t, "mongodb-lookup.ts", { COUNT: "10", PERSONS: persons, PRICES: "nowhere" });
  t.equal((await job.exited()).code, 4, job.log);
  t.match(
    job.stderr,
    /mongodb\(test.nowhere\)\): there is no such collection in the database test; there is .*persons/,
  );
});

/** Documents whose ids are of several types. */
async function documents(collection: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, n) => (n % 2 === 0 ? `text ${n}` : new ObjectId(n)));
  await collectionOf(collection).insertMany(ids.map((_id, n) => ({ _id: _id as never, n })));
  return ids.map(String).sort();
}

t.test("a snapshot that is killed goes on behind its checkpoint, and has each document once", async (t) => {
  const collection = uniqueName("documents");
  const ids = await documents(collection, 4000);
  const folder = t.testdir({});
  mkdirSync(join(folder, "out"));
  const env = {
    ...{ COLLECTION: collection, JOB: collection, OUTPUT: join(folder, "out") },
    ...{ CHECKPOINTS: join(folder, "checkpoints"), STATE: join(folder, "state") },
    OPTIONS: JSON.stringify({ batch: { rows: 2 } }),
  };
  const rows = () => linesIn(join(folder, "out")).length;
  let runs = 0;
  for (const share of [0.1, 0.5]) {
    const job = run(t, "mongodb-source.ts", env);
    runs += 1;
    await eventually(() => rows() > share * ids.length || !job.running, {
      what: "rows",
      withinMs: 120_000,
      detail: () => job.log,
    });
    job.signal("SIGKILL");
    await job.exited();
  }
  const before = rows();
  t.ok(before < ids.length, `${before} rows before the last of ${runs + 1} runs`);
  const job = run(t, "mongodb-source.ts", env);
  t.equal((await job.exited(120_000)).code, 0, job.log);
  t.ok(statusOf(job).events < ids.length, "it has not read all again");
  t.strictSame(
    linesIn(join(folder, "out"))
      .map(({ _id }) => String(_id))
      .sort(),
    ids,
  );
});

t.test("a document that does not fit the columns is a bad record", async (t) => {
  const collection = uniqueName("documents");
  await collectionOf(collection).insertMany([
    { _id: "a" as never, n: 1 },
    { _id: "b" as never, n: "one" },
  ]);
  const output = t.testdir({});
  const failing = run(t, "mongodb-source.ts", { COLLECTION: collection, OUTPUT: output });
  t.equal((await failing.exited()).code, 3, failing.log);
  t.match(failing.stderr, /column \\"n\\": expected int64 \(bigint\), found string \\"one\\"/);
  const env = { COLLECTION: collection, OUTPUT: output, OPTIONS: JSON.stringify({ onBadRecord: "skip" }) };
  const skipping = run(t, "mongodb-source.ts", env);
  t.equal((await skipping.exited()).code, 0, skipping.log);
  t.strictSame(linesIn(output), [{ _id: "a", n: 1 }]);
});

t.test("a server without change streams ends the job", async (t) => {
  const env = { COLLECTION: uniqueName("documents"), READ: "changes", OUTPUT: t.testdir({}) };
  const job = run(t, "mongodb-source.ts", env);
  t.equal((await job.exited()).code, 4, job.log);
  t.match(job.stderr, /mongodb\(test.documents-\w+\): reading changes: /);
});

const skip = REPLICA_SET === undefined ? "set MILLRACE_MONGODB_URL to the URL of a replica set" : false;

t.test("changes are read exactly once over kills, behind a snapshot", { skip }, async (t) => {
  const client = await new MongoClient(String(REPLICA_SET)).connect();
  t.teardown(() => client.close());
  const name = uniqueName("changes");
  const collection = client.db("test").collection<{ _id: string; n: number }>(name);
  t.teardown(() => collection.drop());
  await collection.insertMany(Array.from({ length: 500 }, (_, n) => ({ _id: `early ${n}`, n })));
  const folder = t.testdir({});
  mkdirSync(join(folder, "out"));
  const env = {
    ...{ URL: String(REPLICA_SET), READ: "changes", COLLECTION: name, JOB: name, OUTPUT: join(folder, "out") },
    ...{ CHECKPOINTS: join(folder, "checkpoints"), STATE: join(folder, "state") },
    OPTIONS: JSON.stringify({ start: "snapshot" }),
  };
  const lines = () => linesIn(join(folder, "out")).map(({ _operation, _id }) => `${_operation} ${_id}`);
  const expected = Array.from({ length: 500 }, (_, n) => `snapshot early ${n}`);
  for (let round = 0; round < 3; round++) {
    const job = run(t, "mongodb-source.ts", env);
    await eventually(() => lines().length >= expected.length, { what: "earlier rows", detail: () => job.log });
    for (let n = 0; n < 100; n++) await collection.insertOne({ _id: `late ${round} ${n}`, n });
    await collection.updateMany({ _id: /^late/, n: round }, { $set: { n: 1000 + round } });
    await collection.deleteOne({ _id: `late ${round} 50` });
    for (let n = 0; n < 100; n++) expected.push(`insert late ${round} ${n}`);
    for (let of = 0; of <= round; of++) expected.push(`update late ${of} ${round}`);
    expected.push(`delete late ${round} 50`);
    job.signal("SIGKILL");
    await job.exited();
  }
  const job = run(t, "mongodb-source.ts", env);
  await eventually(() => lines().length >= expected.length, { what: "all rows", detail: () => job.log });
  t.equal((await job.stop()).code, 0, job.log);
  t.strictSame(lines().sort(), expected.sort());
});
