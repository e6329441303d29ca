import { createReadStream } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import t, { type Test } from "tap";
import { conform } from "../conformance/conform.js";
import { CassandraServer } from "../harness/cassandra.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { Random } from "../harness/random.js";
import connector from "./cassandra.js";
import { ROW } from "./cassandra-rows.js";

conform(t, connector);

interface Row {
  readonly place: string | null;
  readonly id: number;
  readonly revision: number;
  readonly note: string | null;
}

let server: CassandraServer;
t.before(async () => {
  server = await CassandraServer.start();
  t.teardown(() => server.stop());
});

let tables = 0;
async function table(columns: string): Promise<string> {
  const name = `t${++tables}`;
  await server.query(`CREATE TABLE ${server.keyspace}.${name} (${columns})`);
  return name;
}

function run(t: Test, kind: "write" | "read" | "join", table: string, env: Record<string, string>): Job {
  const job = Job.run("cassandra.ts", { env: { CASSANDRA: server.address, JOB: kind, TABLE: table, ...env } });
  t.teardown(() => job.signal("SIGKILL"));
  return job;
}

const statusOf = (job: Job) => JSON.parse(String(job.stderr.trim().split("\n").at(-1)));

async function lines<T>(directory: string): Promise<T[]> {
  const rows: T[] = [];
  // What is staged, or not whole yet, has another name.
  for (const file of (await readdir(directory).catch(() => [])).filter((name) => name.endsWith(".jsonl"))) {
    // Decimals as they are given, with all of their digits.
    for await (const line of createInterface({ input: createReadStream(join(directory, file)) }))
      rows.push(JSON.parse(line.replace(/"(huge|price)":(-?[\d.]+)/g, '"$1":"$2"')) as T);
  }
  return rows;
}

const asLines = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

async function stored(table: string): Promise<Row[]> {
  const rows = await server.query<Record<keyof Row, unknown>>(`SELECT * FROM ${server.keyspace}.${table}`);
  return rows.map(({ place, id, revision, note }) => ({
    place: place as string,
    id: Number(id),
    revision: Number(revision),
    note: note as string | null,
  }));
}

async function countOf(table: string): Promise<number> {
  const [row] = await server.query<{ n: bigint }>(`SELECT count(*) AS n FROM ${server.keyspace}.${table}`);
  return Number(row?.n);
}

/** When a row was written last. */
async function writtenAt(table: string): Promise<bigint> {
  const [row] = await server.query<{ at: bigint | null }>(
    `SELECT max(writetime(revision)) AS at FROM ${server.keyspace}.${table}`,
  );
  return row?.at ?? 0n;
}

/** Rows of many keys, each several times; those of a key are in one file, in their order. */
function revisions(keys: number, times: number, places = 50): Row[] {
  const rows: Row[] = [];
  for (let revision = 0; revision < times; revision++) {
    for (let id = 0; id < keys; id++) {
      rows.push({
        place: `place-${id % places}`,
        id,
        revision,
        note: revision % 2 === 0 ? `${id} at ${revision}` : null,
      });
    }
  }
  return rows;
}

const keyOf = ({ place, id }: Row) => `${place}/${id}`;

/** What is wrong with a table that is to have the last row of each key. */
function wrong(found: readonly Row[], rows: readonly Row[]): string[] {
  const expected = new Map(rows.map((row) => [keyOf(row), row]));
  const problems: string[] = [];
  for (const row of found) {
    const wanted = expected.get(keyOf(row));
    expected.delete(keyOf(row));
    if (JSON.stringify(wanted) !== JSON.stringify(row)) {
      problems.push(`${JSON.stringify(row)} instead of ${JSON.stringify(wanted)}`);
    }
  }
  for (const key of expected.keys()) problems.push(`${key} is missing`);
  return problems.slice(0, 20);
}

const NOTHING = {
  day: null,
  flag: null,
  tiny: null,
  small: null,
  whole: null,
  big: null,
  huge: null,
  single: null,
  double: null,
  price: null,
  note: null,
  plain: null,
  raw: null,
  at: null,
  clock: null,
  moment: null,
  address: null,
  tags: [],
  numbers: null,
  counts: [],
  part: null,
  pair: null,
  parts: [],
  vector: null,
};
const EVERYTHING = [
  {
    id: "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
    day: "2026-02-28",
    flag: true,
    tiny: -128,
    small: 32_767,
    whole: -2_147_483_648,
    big: 42,
    huge: "-12345678901234567890123456789012345678",
    single: 0.5,
    double: 1e-300,
    price: "-12.0345",
    note: 'ä "quoted" ☕',
    plain: "ASCII",
    raw: "AP+A",
    at: 1_767_225_600_123,
    clock: "23:59:59.000000001",
    moment: "50554d6e-29bb-11e5-b345-feff819cdc9f",
    address: "2001:db8::1",
    tags: ["a", "b"],
    numbers: [3, 1, 2, 1],
    counts: [
      { key: "a", value: 1 },
      { key: "b", value: -2 },
    ],
    part: { place: "here", rank: null },
    pair: { left: 1, right: "one" },
    parts: [
      { place: "x", rank: 1 },
      { place: "y", rank: 2 },
    ],
    vector: [0.5, -1, 2],
  },
  { id: "00000000-0000-0000-0000-000000000001", ...NOTHING },
  { id: "00000000-0000-0000-0000-000000000002", ...NOTHING, price: "0.0000", huge: "0", day: "1900-01-01", at: -1 },
  {
    id: "00000000-0000-0000-0000-000000000003",
    ...NOTHING,
    flag: false,
    note: "",
    plain: "",
    raw: "",
    address: "10.1.2.3",
  },
];

t.test("values of every type come back as they were", async (t) => {
  await server.query(`CREATE TYPE ${server.keyspace}.part (place text, rank int)`);
  const name = await table(
    `id uuid PRIMARY KEY, day date, flag boolean, tiny tinyint, small smallint, whole int, big bigint, huge varint,
     single float, double double, price decimal, note text, plain ascii, raw blob, at timestamp, clock time, moment timeuuid,
     address inet, tags set<text>, numbers list<int>, counts map<text, bigint>, part part, pair frozen<tuple<int, text>>,
     parts list<frozen<part>>, vector vector<float, 3>`,
  );
  const folder = t.testdir({ "in.jsonl": asLines(EVERYTHING) });
  const env = { SCHEMA: "everything", INPUT: join(folder, "in.jsonl"), OUTPUT: join(folder, "out") };
  const writing = run(t, "write", name, env);
  t.equal((await writing.exited()).code, 0, writing.log);
  const [first] = await server.query(
    `SELECT * FROM ${server.keyspace}.${name} WHERE id = 6ba7b810-9dad-41d1-80b4-00c04fd430c8`,
  );
  t.equal(String(first?.price), "-12.0345");
  t.equal((first?.at as Date | undefined)?.toISOString(), "2026-01-01T00:00:00.123Z");
  t.equal(String(first?.huge), EVERYTHING[0]?.huge);
  t.equal(String(first?.part && (first.part as { place: string }).place), "here");
  const reading = run(t, "read", name, env);
  t.equal((await reading.exited()).code, 0, reading.log);
  const rows = await lines<{ id: string }>(env.OUTPUT);
  t.strictSame(
    rows.sort((a, b) => (a.id < b.id ? -1 : 1)),
    EVERYTHING.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  );
});

t.test("of the rows of a key the last one stays, over kills of the worker and of the server", async (t) => {
  const random = new Random(71);
  const name = await table(ROW);
  const rows = revisions(4000, 5);
  const folder = t.testdir({ "a.jsonl": "", "b.jsonl": "" });
  const [a, b] = [join(folder, "a.jsonl"), join(folder, "b.jsonl")];
  await writeFile(a, asLines(rows.filter(({ id }) => id % 2 === 0)));
  await writeFile(b, asLines(rows.filter(({ id }) => id % 2 === 1)));
  const env = {
    INPUT: `${a},${b}`,
    CHECKPOINTS: `file:${folder}/checkpoints`,
    STATE: join(folder, "state"),
    OPTIONS: JSON.stringify({ batch: { rows: 50, linger: "20ms" }, concurrency: 4 }),
  };
  for (let kill = 0; kill < 3; kill++) {
    const before = await countOf(name);
    const job = run(t, "write", name, env);
    const enough = Math.min(before + 1 + random.below(1500), 4000);
    await eventually(async () => !job.running || (await countOf(name)) >= enough, {
      what: "rows",
      withinMs: 120_000,
      detail: () => job.log,
    });
    job.signal("SIGKILL");
    await job.exited();
  }
  const before = await writtenAt(name);
  const job = run(t, "write", name, env);
  // A job that finds no server at its start ends.
  await eventually(async () => !job.running || (await writtenAt(name)) > before, {
    what: "a write",
    withinMs: 120_000,
    detail: () => job.log,
  });
  await server.kill();
  t.ok(job.running, job.log);
  await server.restart();
  t.equal((await job.exited(180_000)).code, 0, job.log);
  t.strictSame(wrong(await stored(name), rows), []);
});

t.test("a timestamp from a column decides which row is the newest", async (t) => {
  const name = await table(ROW);
  const rows = revisions(500, 4);
  const folder = t.testdir({ "in.jsonl": asLines(rows.toReversed()) });
  const env = { INPUT: join(folder, "in.jsonl"), OPTIONS: JSON.stringify({ timestamp: "revision", ttl: "1h" }) };
  const job = run(t, "write", name, env);
  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(wrong(await stored(name), rows), []);
  const [row] = await server.query(
    `SELECT writetime(revision) AS at, ttl(revision) AS ttl FROM ${server.keyspace}.${name} LIMIT 1`,
  );
  t.equal(Number(row?.at), 3);
  t.ok(Number(row?.ttl) > 3000 && Number(row?.ttl) <= 3600, String(row?.ttl));
});

t.test("nulls delete what was there, or leave it", async (t) => {
  for (const ignoreNulls of [false, true]) {
    const name = await table(ROW);
    const rows = revisions(10, 2);
    const folder = t.testdir({ "in.jsonl": asLines(rows) });
    const options = JSON.stringify({ ignoreNulls });
    const job = run(t, "write", name, { INPUT: join(folder, "in.jsonl"), OPTIONS: options });
    t.equal((await job.exited()).code, 0, job.log);
    const last = rows.map((row) => (ignoreNulls ? { ...row, note: `${row.id} at 0` } : row));
    t.strictSame(wrong(await stored(name), last), [], options);
  }
});

t.test("with ifNotExists the first row of a key stays", async (t) => {
  const name = await table(ROW);
  const rows = revisions(100, 3);
  const folder = t.testdir({ "in.jsonl": asLines(rows) });
  const env = { INPUT: join(folder, "in.jsonl"), OPTIONS: JSON.stringify({ ifNotExists: true }) };
  const job = run(t, "write", name, env);
  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(wrong(await stored(name), rows.slice(0, 100)), []);
});

t.test("rows that are refused go to the dead letters, and all others are written", async (t) => {
  const name = await table(ROW);
  const refused = [
    { place: "", id: 1, revision: 1, note: null },
    { place: null, id: 2, revision: 1, note: null },
    { place: "p".repeat(70_000), id: 3, revision: 1, note: null },
  ];
  const rows = revisions(1000, 1);
  const folder = t.testdir({ "in.jsonl": asLines([...rows.slice(0, 400), ...refused, ...rows.slice(400)]) });
  const env = { INPUT: join(folder, "in.jsonl") };
  const job = run(t, "write", name, { ...env, DEAD: join(folder, "dead") });
  t.equal((await job.exited()).code, 0, job.log);
  t.strictSame(wrong(await stored(name), rows), []);
  const letters = await lines<{ reason: string; value: string }>(join(folder, "dead"));
  const told = letters.map(({ reason, value }) => [JSON.parse(Buffer.from(value, "base64").toString()).id, reason]);
  t.match(told.toSorted(), [
    [1, /Key may not be empty/],
    [2, 'column "place": it is null, and part of the primary key'],
    [3, /longer than maximum|65535/],
  ]);
  t.match(statusOf(job), { bad: 3 });

  const failing = run(t, "write", name, env);
  t.equal((await failing.exited()).code, 3, failing.log);
  t.match(failing.stderr, /cassandra.* refused the row .*Correct it, or set onBadRecord/);
});

t.test("a table that is dropped ends the job, and no row counts as bad", async (t) => {
  const name = await table(ROW);
  const folder = t.testdir({ "in.jsonl": asLines(revisions(500, 1)) });
  const env = { INPUT: join(folder, "in.jsonl"), FOLLOW: "yes", DEAD: join(folder, "dead") };
  const job = run(t, "write", name, env);
  await eventually(async () => (await countOf(name)) === 500, {
    what: "rows",
    withinMs: 60_000,
    detail: () => job.log,
  });
  await server.query(`DROP TABLE ${server.keyspace}.${name}`);
  await writeFile(env.INPUT, asLines(revisions(10, 1)), { flag: "a" });
  t.equal((await job.exited()).code, 5, job.log);
  t.match(job.stderr, new RegExp(`there is no table \\\\?"${name}\\\\?" in the keyspace`));
  t.strictSame(await lines(env.DEAD), []);
});

t.test("a column that is added while rows come changes nothing, and one that goes ends the job", async (t) => {
  const name = await table(ROW);
  const rows = revisions(300, 1);
  const more = (from: number) => revisions(300, 1).map((row) => ({ ...row, id: row.id + from }));
  const folder = t.testdir({ "in.jsonl": asLines(rows) });
  const env = { INPUT: join(folder, "in.jsonl"), FOLLOW: "yes", DEAD: join(folder, "dead") };
  const job = run(t, "write", name, env);
  const come = (count: number) =>
    eventually(async () => (await countOf(name)) === count, {
      what: `${count} rows`,
      withinMs: 60_000,
      detail: () => job.log,
    });
  await come(300);
  await server.query(`ALTER TABLE ${server.keyspace}.${name} ADD extra text`);
  await writeFile(env.INPUT, asLines(more(1000)), { flag: "a" });
  await come(600);
  t.strictSame(wrong(await stored(name), [...rows, ...more(1000)]), []);
  await server.query(`ALTER TABLE ${server.keyspace}.${name} DROP note`);
  await writeFile(env.INPUT, asLines(more(2000)), { flag: "a" });
  t.equal((await job.exited()).code, 5, job.log);
  t.match(job.stderr, /the table has no column \\?"note/);
  t.strictSame(await lines(env.DEAD), []);
});

t.test("a table is read once, in parallel, over kills: each row is in one file", async (t) => {
  const random = new Random(72);
  const name = await table(ROW);
  const rows = revisions(6000, 1, 600);
  await server.insert(
    `INSERT INTO ${server.keyspace}.${name} (place, id, revision, note) VALUES (?, ?, ?, ?)`,
    rows.map(({ place, id, revision, note }) => [place, BigInt(id), BigInt(revision), note]),
  );
  const folder = t.testdir({});
  const env = {
    OUTPUT: join(folder, "out"),
    CHECKPOINTS: `file:${folder}/checkpoints`,
    STATE: join(folder, "state"),
    GUARANTEE: "exactly-once",
    PAGING: JSON.stringify({ splits: 16, pageRows: 5 }),
    AT: JSON.stringify({ concurrency: 1 }),
  };
  let kills = 0;
  for (let kill = 0; kill < 3; kill++) {
    const before = (await lines(env.OUTPUT)).length;
    const job = run(t, "read", name, env);
    const enough = before + 1 + random.below(1000);
    await eventually(async () => !job.running || (await lines(env.OUTPUT)).length >= enough, {
      what: "rows",
      withinMs: 120_000,
      detail: () => job.log,
    });
    if (job.running) kills += 1;
    job.signal("SIGKILL");
    await job.exited();
  }
  t.ok(kills > 0, "it was killed on the way");
  const job = run(t, "read", name, env);
  t.equal((await job.exited(180_000)).code, 0, job.log);
  const found = await lines<Row>(env.OUTPUT);
  t.equal(found.length, rows.length);
  t.strictSame(wrong(found, rows), []);
});

t.test("a join finds what a model finds, by the whole key and by the partition key", async (t) => {
  const random = new Random(73);
  const name = await table(ROW);
  const rows = revisions(500, 1, 500);
  const asked = Array.from({ length: 3000 }, (_, n): Row => {
    const id = random.below(800);
    return { place: n % 100 === 0 ? null : `place-${id % 500}`, id, revision: n, note: null };
  });
  const folder = t.testdir({ "in.jsonl": asLines(rows), "asked.jsonl": asLines(asked) });
  const writing = run(t, "write", name, { INPUT: join(folder, "in.jsonl") });
  t.equal((await writing.exited()).code, 0, writing.log);
  const model = new Map(rows.map((row) => [keyOf(row), row]));
  const byPlace = new Map(rows.map((row) => [row.place, row]));
  for (const by of ["key", "place"]) {
    const output = join(folder, `by-${by}`);
    const job = run(t, "join", name, { INPUT: join(folder, "asked.jsonl"), OUTPUT: output, BY: by });
    t.equal((await job.exited()).code, 0, job.log);
    const expected = asked.map((row) => {
      const match = by === "key" ? model.get(keyOf(row)) : byPlace.get(row.place);
      return JSON.stringify({ id: row.id, note: match?.note ?? null, matched: match?.revision ?? null });
    });
    const found = (await lines(output)).map((row) => JSON.stringify(row));
    t.strictSame(found.toSorted(), expected.toSorted());
  }
});

t.test("what cannot work ends the job at once, and the error says what to do", async (t) => {
  const name = await table("place text, id bigint, revision int, PRIMARY KEY ((place, id), revision)");
  const counters = await table("place text PRIMARY KEY, id counter");
  const folder = t.testdir({ "in.jsonl": asLines(revisions(10, 1)) });
  const env = { INPUT: join(folder, "in.jsonl"), OUTPUT: join(folder, "out") };
  const wrong: ["write" | "read" | "join", string, Record<string, string>, RegExp][] = [
    ["write", "nowhere", {}, /there is no table .*nowhere.* in the keyspace .*tests.*create it, or correct it/],
    ["read", "nowhere", {}, /there is no table .*nowhere/],
    [
      "write",
      name,
      {},
      /column .*revision.*: it is int, which goes with t\.int32\(\), not with int64; the table has no column .*note/,
    ],
    ["write", counters, {}, /has no column|is a counter/],
    ["write", name, { AT: '{"keyspace":"nowhere"}' }, /there is no keyspace .*nowhere/],
    ["write", name, { AT: '{"localDataCenter":"dc9"}' }, /dc9.*datacenter1.*Set localDataCenter/],
    [
      "write",
      name,
      { AT: '{"contactPoints":"127.0.0.1:1"}' },
      /no connection to 127\.0\.0\.1:1: .*ECONNREFUSED.*Check contactPoints/,
    ],
    [
      "join",
      await table(ROW.replace("(place, id)", "((place, id))")),
      { BY: "place" },
      /is looked up by place, and its primary key is \(\(place, id\)\): give all of the partition key/,
    ],
  ];
  const check = async ([kind, table, more, says]: (typeof wrong)[number]) => {
    const job = run(t, kind, table, { ...env, ...more });
    const { code } = await job.exited(120_000);
    t.ok(code === 4 || code === 5, `${code}: ${job.log}`);
    t.match(job.stderr, says);
    t.match(job.stderr, /cassandra\(/);
  };
  // Beside each other: a start takes longer than an error.
  await Promise.all(wrong.map(check));
});
