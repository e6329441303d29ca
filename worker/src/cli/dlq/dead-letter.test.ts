import { deadLetter, files, http, job, json, kafka, type OnBadRecord, schema, t as type } from "millrace";
import t from "tap";
import { type DeadLetter, fromHeaders, fromLine, kindOf, shown } from "./dead-letter.js";
import { placeName, placesOf, unreadable } from "./places.js";
import { checkReplay } from "./replay.js";
import { Newest } from "./show.js";
import { Summary } from "./summary.js";

const letter = (changes: Partial<DeadLetter> = {}): DeadLetter => ({
  ...{ job: "readings", step: "kafka(in)", resource: "in", partition: 2, offset: 7, timestamp: 1500, column: "price" },
  ...{ reason: 'column "price": missing, and it is not nullable', key: null, value: Buffer.from("{}"), atMs: 2000 },
  ...changes,
});

const record = (headers: Record<string, string>) => ({
  ...{ partition: 0, offset: 1, key: null, value: Buffer.from("{}"), timestamp: 2000 },
  headers: new Map(Object.entries(headers).map(([name, text]) => [`millrace.${name}`, text])),
});

t.test("a record with the headers of a dead letter is one, and others are none", async (t) => {
  const headers = { job: "readings", step: "kafka(in)", resource: "in", partition: "2", offset: "7" };
  const { reason, ...rest } = letter();
  const all = { ...headers, timestamp: "1500", column: "price", reason };
  t.strictSame(fromHeaders(record(all)), { ...rest, reason });
  t.match(fromHeaders(record({ ...headers, reason: "a tombstone", column: "" })), {
    timestamp: undefined,
    column: undefined,
  });
  t.equal(fromHeaders(record(headers)), undefined);
  t.equal(fromHeaders(record({})), undefined);
});

t.test("a line of a file has the same, with key and value in base64", async (t) => {
  const { job, step, resource, partition, offset, timestamp, column, reason } = letter();
  const line = { job, step, resource, partition, offset, timestamp, column, reason, key: null, value: "e30=" };
  t.strictSame(fromLine(JSON.stringify(line), 2000), letter());
  const bare = { ...line, timestamp: null, column: null, key: "a2V5", value: null };
  t.match(fromLine(JSON.stringify(bare), 2000), { timestamp: undefined, column: undefined, key: Buffer.from("key") });
  t.throws(() => fromLine('{"job":"readings"}', 0), { message: "it has no step" });
  t.throws(() => fromLine("{", 0));
});

t.test("reasons that differ in values and positions alone are of one kind", async (t) => {
  const kind = (reason: string, column?: string) => kindOf({ reason, column });
  t.equal(
    kind('column "price": expected int32, found "12,5" (string)', "price"),
    kind('column "price": expected int32, found "a \\"b\\"" (string)', "price"),
  );
  t.equal(kind('column "price": 3000000000 is out of range for int32', "price"), "N is out of range for int32");
  t.equal(kind("broken JSON at byte 17: expected ',' or '}'"), "broken JSON at byte N: expected ',' or '}'");
  t.equal(kind("a tombstone (no value)"), "a tombstone (no value)");
});

t.test(
  "bytes are shown as text where they are UTF-8, cut where they are long, without control characters",
  async (t) => {
    t.equal(shown(null), "none");
    t.equal(shown(Buffer.from('{"city":"Zürich"}')), '{"city":"Zürich"}');
    t.equal(shown(Buffer.from([0xff, 0xfe])), "base64 //4=");
    t.equal(shown(Buffer.from("a\n\u001b[31mb\u009b")), "a\\n\\u001b[31mb�");
    t.equal(shown(Buffer.from("x".repeat(1234))), `${"x".repeat(500)}… (1,234 bytes)`);
    t.equal(shown(Buffer.from("🙂".repeat(501))), `${"🙂".repeat(500)}… (2,004 bytes)`);
  },
);

t.test("dead letters are counted by column and kind of reason, the most frequent first", async (t) => {
  const summary = new Summary();
  summary.add(letter({ atMs: 3000 }), true);
  for (const found of ["a", "b", "c"]) {
    summary.add(letter({ reason: `column "price": expected int32, found "${found}" (string)`, atMs: 2000 }), false);
  }
  summary.add(letter({ column: undefined, reason: "a tombstone (no value)", atMs: 4000 }), false);
  t.match(summary, { records: 5, toReplay: 1, firstMs: 2000, lastMs: 4000 });
  t.strictSame(summary.top(2), [
    { column: "price", reason: 'expected int32, found "…" (string)', records: 3 },
    { column: "", reason: "a tombstone (no value)", records: 1 },
    { column: "", reason: "(other reasons)", records: 1 },
  ]);
  const few = new Summary(1);
  for (const reason of ["one", "other", "one", "third"]) few.add(letter({ reason }), true);
  t.strictSame(few.top(5), [
    { column: "price", reason: "one", records: 2 },
    { column: "", reason: "(other reasons)", records: 2 },
  ]);
});

t.test("of many dead letters the newest are kept, the newest first", async (t) => {
  const newest = new Newest(3);
  const times = [5, 1, 9, 3, 9, 8, 2, 7, 4, 6];
  for (const [offset, atMs] of times.entries()) newest.add(letter({ offset, atMs }));
  t.strictSame(
    newest.letters().map(({ atMs, offset }) => [atMs, offset]),
    [
      [9, 4],
      [9, 2],
      [8, 5],
    ],
  );
});

const Row = schema({ id: type.int64() });
const dead = kafka({ topic: "dead", brokers: "a:9092", format: json() });
const inFiles = (directory: string) => deadLetter(files({ directory, format: json() }));

function readings(source: OnBadRecord, sink: OnBadRecord = "fail") {
  return job("readings", (j) =>
    j
      .source(kafka({ topic: "in", brokers: "b:9092", format: json(Row), onBadRecord: source }))
      .to(http({ endpoints: ["http://c"], format: json(), onBadRecord: sink })),
  );
}

t.test("places are those of every source and sink with dead letters, or of the step that is named", async (t) => {
  const places = placesOf(readings(deadLetter(dead), inFiles("refused")));
  t.strictSame(
    places.map((place) => [place.id, place.step, placeName(place)]),
    [
      ["source-1", "kafka(in)", "kafka(dead)"],
      ["sink-1", places[1]?.step, "files(refused)"],
    ],
  );
  t.match(places[0].source, { properties: { "bootstrap.servers": "b:9092" } });
  t.equal(places[1]?.source, undefined);
  const one = readings(deadLetter(dead), inFiles("refused"));
  t.equal(placesOf(one, "sink-1").length, 1);
  t.throws(() => placesOf(one, "sink-2"), {
    message: 'job "readings" has no step "sink-2" with dead letters; those that have: source-1, sink-1',
  });
  t.throws(() => placesOf(readings("skip")), {
    message: /^job "readings" keeps no dead letters; give a source or sink/,
  });
});

t.test("what cannot be read where it is says so", async (t) => {
  const why = (policy: OnBadRecord) => unreadable(placesOf(readings(policy))[0]);
  t.equal(why(deadLetter(dead)), undefined);
  t.equal(why(inFiles("bad")), undefined);
  t.match(why(inFiles("s3://bucket/bad")), "copy them to a local folder");
});

t.test("a replay without a topic to send to is refused, and says what to do", async (t) => {
  const [topic, refused] = placesOf(readings(deadLetter(dead), deadLetter(dead)));
  t.doesNotThrow(() => checkReplay(topic, {}));
  t.throws(() => checkReplay(topic, { to: "dead" }), {
    code: "PLAN",
    message: /are in topic "dead" already: name another/,
  });
  if (refused === undefined) return t.fail("the sink's place");
  t.doesNotThrow(() => checkReplay(refused, { to: "fixed" }));
  t.throws(() => checkReplay(refused, {}), {
    code: "PLAN",
    message: /its dead letters came from no topic: name one with --step sink-1 --to TOPIC$/,
  });
  t.doesNotThrow(() => checkReplay(placesOf(readings(inFiles("bad")))[0], {}));
  const [inFile] = placesOf(readings("skip", inFiles("refused")));
  t.doesNotThrow(() => checkReplay(inFile, { toFile: "fixed.jsonl" }));
  t.throws(() => checkReplay(inFile, { to: "fixed" }), {
    code: "PLAN",
    message: /neither came from a topic nor are in one: .* --step sink-1 --to-file PATH$/,
  });
  t.throws(() => checkReplay(placesOf(readings(inFiles("s3://bucket/bad")))[0], {}), {
    code: "PLAN",
    message: /^kafka\(in\): its dead letters are not replayed: files in a storage are not read/,
  });
});
