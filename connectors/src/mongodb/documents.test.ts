import { schema, t as type } from "millrace";
import * as mongo from "mongodb";
import t from "tap";
import { documentOf, rowOf } from "./documents.js";

const { BSON, Binary, Decimal128, Double, Long, ObjectId, UUID } = mongo;

const Everything = schema({
  bool: type.bool(),
  int: type.int32(),
  long: type.int64(),
  float: type.float64(),
  decimal: type.decimal(10, 2),
  text: type.string(),
  bytes: type.bytes(),
  seconds: type.timestamp("s"),
  ms: type.timestamp("ms"),
  us: type.timestamp("us"),
  ns: type.timestamp("ns"),
  day: type.date(),
  list: type.list(type.int64().nullable()),
  part: type.struct({ a: type.float64(), b: type.string().nullable() }),
  none: type.int32().nullable(),
});

const row = {
  bool: true,
  int: -7,
  long: 2n ** 62n + 1n,
  float: 3,
  decimal: "12.50",
  text: "ä",
  bytes: Uint8Array.of(0, 255),
  seconds: -5,
  ms: 1_700_000_000_123,
  us: 1_700_000_000_123_000n,
  ns: -1_000_000n,
  day: "2026-01-31",
  list: [1n, null, -1n],
  part: { a: 0.5, b: null },
  none: null,
};

const stored = (document: mongo.Document) =>
  BSON.deserialize(BSON.serialize(document), { useBigInt64: true, promoteValues: true });
const readOne = (column: ReturnType<typeof type.string>, value: unknown) => {
  const { fields } = schema({ value: column });
  return rowOf(fields)(stored({ value })).value;
};
// The types of columns that these tests take differ; what they have in common is what `readOne` asks for.
const read = readOne as unknown as (column: unknown, value: unknown) => unknown;

t.test("a row comes back from its document as it was", async (t) => {
  const document = stored(documentOf(Everything.fields, mongo)(row));
  t.strictSame(rowOf(Everything.fields)(document), { ...row, bytes: document.bytes.value() });
  t.strictSame(Uint8Array.from(document.bytes.value()), row.bytes);
});

t.test("values are stored as MongoDB's own types", async (t) => {
  const bytes = BSON.serialize(documentOf(Everything.fields, mongo)(row));
  const raw = BSON.deserialize(bytes, { promoteValues: false });
  t.type(raw.int, mongo.Int32);
  t.type(raw.long, Long);
  t.type(raw.float, Double, "a whole number of a float column, too");
  t.type(raw.decimal, Decimal128);
  t.strictSame(raw.seconds, new Date(-5000));
  t.strictSame(raw.us, new Date(1_700_000_000_123));
  t.strictSame(raw.ns, new Date(-1));
  t.equal(raw.day, "2026-01-31");
  t.equal(raw.none, null);
});

t.test("what is finer than a millisecond is cut off, before the epoch, too", async (t) => {
  const { fields } = schema({ us: type.timestamp("us") });
  const of = documentOf(fields, mongo);
  t.strictSame(of({ us: 1999n }).us, new Date(1));
  t.strictSame(of({ us: -1n }).us, new Date(-1));
});

t.test("what a document has no place for is told with its column", async (t) => {
  const { fields } = schema({ total: type.decimal(38, 0), at: type.timestamp("s"), id: type.string() });
  const of = documentOf(fields, mongo, ["id"]);
  const fine = { total: "1", at: 0, id: "0123456789abcdef01234567" };
  t.strictSame(of(fine).id, new ObjectId(fine.id));
  t.throws(() => of({ ...fine, total: "9".repeat(38) }), { message: /^column "total": / });
  t.throws(() => of({ ...fine, at: 1e15 }), { message: 'column "at": 1000000000000000 s are beyond MongoDB\'s dates' });
  t.throws(() => of({ ...fine, id: "x" }), {
    message: 'column "id": "x" is not an ObjectId, which has 24 hexadecimal digits',
  });
});

t.test("numbers of every kind are read as the column's", async (t) => {
  for (const five of [5, new Double(5), Long.fromNumber(5)]) {
    t.equal(read(type.int32(), five), 5);
    t.equal(read(type.int64(), five), 5n);
    t.equal(read(type.float64(), five), 5);
    t.equal(read(type.decimal(10, 2), five), "5.00");
  }
  t.equal(read(type.int64(), 5.5), 5.5, "which does not fit");
});

t.test("decimals have no exponent, and as many digits behind the point as the column", async (t) => {
  const decimal = (text: string) => read(type.decimal(20, 2), Decimal128.fromString(text));
  t.equal(decimal("1E+3"), "1000.00");
  t.equal(decimal("12.5000"), "12.50");
  t.equal(decimal("-0.001"), "-0.001", "which does not fit");
  t.equal(decimal("1.5E-1"), "0.15");
  t.equal(decimal("0E-20"), "0.00");
  t.equal(decimal("0E+2000"), "0.00");
  t.equal(decimal("NaN"), "NaN", "which does not fit");
  t.equal(read(type.decimal(20, 2), 0.1), "0.10");
});

t.test(
  "ids that the server has made are read as texts, dates as days, fields that are not there as null",
  async (t) => {
    t.equal(read(type.string(), new ObjectId("0123456789abcdef01234567")), "0123456789abcdef01234567");
    const uuid = "9f0c1b0a-7a61-4b5e-9a55-0f6b1c2d3e4f";
    t.equal(read(type.string(), new UUID(uuid)), uuid);
    t.equal(read(type.date(), new Date("2026-01-31T23:00:00Z")), "2026-01-31");
    t.equal(rowOf(schema({ x: type.int32() }).fields)({}).x, null);
  },
);

t.test("a value of another type is given as something that fits no column", async (t) => {
  t.strictSame(read(type.string(), 5), 5);
  t.strictSame(read(type.string(), new Binary(Uint8Array.of(1))), { $Binary: "\u0001" });
  t.strictSame(read(type.struct({ a: type.int32().nullable() }), 5), { a: { "not a document": 5 } });
  t.strictSame(read(type.list(type.int32()), 5), 5);
});
