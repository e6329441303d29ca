import fc from "fast-check";
import { FunctionError, type Schema, schema, t as type, type UserFunction } from "millrace";
import t from "tap";
import type { Batch } from "../native.js";
import { caller } from "./call.js";
import { rowReader, rowWriter } from "./row-code.js";

const Everything = schema({
  flag: type.bool(),
  small: type.int32(),
  large: type.int64().nullable(),
  ratio: type.float64(),
  money: type.decimal(12, 3),
  name: type.string().nullable(),
  raw: type.bytes(),
  at: type.timestamp("ms"),
  exact: type.timestamp("us"),
  day: type.date(),
  tags: type.list(type.string().nullable()),
  place: type.struct({ city: type.string(), zip: type.int32().nullable() }),
});

const unscaled = fc.bigInt({ min: -999_999_999_999n, max: 999_999_999_999n });
const row = fc.record(
  {
    flag: fc.boolean(),
    small: fc.integer(),
    large: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    ratio: fc.double({ noNaN: true }),
    money: unscaled.map((value) => {
      const digits = (value < 0n ? -value : value).toString().padStart(4, "0");
      return `${value < 0n ? "-" : ""}${digits.slice(0, -3)}.${digits.slice(-3)}`;
    }),
    name: fc.option(fc.string({ unit: "binary" })),
    raw: fc.uint8Array(),
    at: fc.integer({ min: -8.64e15, max: 8.64e15 }),
    exact: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    day: fc.integer({ min: -3650, max: 36500 }).map((days) => new Date(days * 86_400_000).toISOString().slice(0, 10)),
    tags: fc.array(fc.option(fc.string())),
    place: fc.record({ city: fc.string(), zip: fc.option(fc.integer()) }, { noNullPrototype: true }),
  },
  { noNullPrototype: true },
);

function batchOf(of: Schema, rows: readonly unknown[]): Batch {
  const made = rowWriter(of.fields);
  made.begin();
  rows.forEach((row, index) => {
    made.set(index, row);
  });
  return { length: rows.length, columns: made.finish(rows.length) };
}

function rowsOf(of: Schema, batch: Batch): unknown[] {
  const read = rowReader(of.fields);
  read.take(batch.columns);
  return Array.from({ length: batch.length }, (_, index) => read.get(index));
}

function userFunction(kind: UserFunction["kind"], input: Schema, output: Schema, fn: (value: never) => unknown) {
  return caller({ kind, fn, input, output, step: kind });
}

t.test("rows of every type come back as they were", async (t) => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
      t.strictSame(rowsOf(Everything, batchOf(Everything, rows)), rows);
    }),
    { numRuns: 50 },
  );
});

const Pair = schema({ id: type.int64(), label: type.string().nullable() });
const pairs = batchOf(Pair, [
  { id: 1n, label: "a" },
  { id: 2n, label: null },
  { id: 3n, label: "c" },
]);

t.test("map makes a row of each row", async (t) => {
  const Out = schema({ double: type.int64() });
  const { rows, origin } = userFunction("map", Pair, Out, ({ id }: { id: bigint }) => ({ double: id * 2n }))(pairs);
  t.strictSame(rowsOf(Out, rows), [{ double: 2n }, { double: 4n }, { double: 6n }]);
  t.equal(origin, undefined);
});

t.test("flatMap says which row each of its rows came from", async (t) => {
  const repeat = ({ id }: { id: bigint }) => Array.from({ length: Number(id) - 1 }, () => ({ id, label: "x" }));
  const { rows, origin } = userFunction("flatMap", Pair, Pair, repeat)(pairs);
  t.equal(rows.length, 3);
  t.strictSame([...(origin ?? [])], [1, 2, 2]);
});

t.test("mapBatch gets typed arrays over the memory of the batch, and tells nulls apart", async (t) => {
  let seen: BigInt64Array | undefined;
  const Out = schema({ id: type.int64(), known: type.bool() });
  const { rows } = userFunction("mapBatch", Pair, Out, (batch: never) => {
    const { length, columns, isNull } = batch as {
      length: number;
      columns: { id: BigInt64Array };
      isNull(name: string, row: number): boolean;
    };
    seen = columns.id;
    return { id: columns.id, known: Array.from({ length }, (_, index) => !isNull("label", index)) };
  })(pairs);
  t.equal(seen?.buffer, pairs.columns[0]?.values?.buffer);
  const [, known] = rows.columns;
  t.strictSame(rowsOf(schema({ known: type.bool() }), { length: 3, columns: known === undefined ? [] : [known] }), [
    { known: true },
    { known: false },
    { known: true },
  ]);
});

t.test(
  "a column that mapBatch returns as it got it does not come back, unless its nulls or its type do not fit",
  async (t) => {
    const same = (output: Schema) => {
      const pass = ({ columns }: { columns: Record<string, unknown> }) => ({ id: columns.id, label: columns.label });
      const { rows } = userFunction("mapBatch", Pair, output, pass as never)(pairs);
      return rows.columns.map((column) => column.same);
    };
    t.strictSame(same(Pair), [0, 1]);
    t.strictSame(same(schema({ id: type.timestamp("us"), label: type.string().nullable() })), [undefined, 1]);
    t.throws(() => same(schema({ id: type.int64(), label: type.string() })), {
      message: 'mapBatch: row 1: column "label": it is null, and not nullable',
    });
  },
);

t.test("strings are cut from text that is decoded together, whatever is in it", async (t) => {
  const Text = schema({ text: type.string().nullable() });
  const long = "x".repeat(3000);
  const rows = Array.from({ length: 200 }, (_, row) => {
    const texts = [
      "",
      null,
      "plain",
      "\u{1f600}",
      "é",
      row % 64 < 32 ? "ascii" : "ünïcode",
      row > 150 ? long : "short",
    ];
    return { text: texts[row % texts.length] };
  });
  const batch = batchOf(Text, rows);
  t.strictSame(rowsOf(Text, batch), rows);
  const read = rowReader(Text.fields);
  read.take(batch.columns);
  for (const row of [199, 0, 33, 31, 32, 160]) t.strictSame(read.get(row), rows[row], "in any order");
  const halves = batchOf(Text, [{ text: "\ud83d" }, { text: "\ude00" }]);
  t.strictSame(rowsOf(Text, halves), [{ text: "\ufffd" }, { text: "\ufffd" }], "halves of a pair stay apart");
});

t.test("nothing of a batch is left in the next", async (t) => {
  const run = userFunction("map", Everything, Everything, (row: never) => row);
  fc.assert(
    fc.property(fc.array(fc.array(row, { maxLength: 20 }), { maxLength: 4 }), (batches) => {
      for (const rows of batches) t.strictSame(rowsOf(Everything, run(batchOf(Everything, rows)).rows), rows);
    }),
    { numRuns: 30 },
  );
});

t.test("a column may have any name", async (t) => {
  const Odd = schema({ ["__proto__"]: type.int32(), 'a "b" \\ \n': type.int32(), "${c}": type.int32() });
  const row = Object.defineProperty({ 'a "b" \\ \n': 2, "${c}": 3 }, "__proto__", { value: 1, enumerable: true });
  const { rows } = userFunction("map", Odd, Odd, (row: never) => row)(batchOf(Odd, [row]));
  const [read] = rowsOf(Odd, rows) as [object];
  t.strictSame(Object.entries(read).sort(), Object.entries(row).sort());
});

t.test("what a function returns is checked, with step, row and column", async (t) => {
  const Price = schema({ price: type.int64() });
  const run =
    (fn: (value: never) => unknown, kind: UserFunction["kind"] = "map") =>
    () =>
      userFunction(kind, Pair, Price, fn)(pairs);
  const cases: [() => unknown, string][] = [
    [run(() => ({ price: "12" })), 'row 0: column "price": expected int64 (bigint), found string "12"'],
    [run(() => ({ price: 2n ** 63n })), `row 0: column "price": expected int64 (bigint), found bigint ${2n ** 63n}n`],
    [run(() => ({})), 'row 0: column "price": it is undefined, and not nullable'],
    [run(() => 5), "row 0: an object is expected, found 5"],
    [run(() => 5, "flatMap"), "row 0: flatMap returns an array, or anything else that can be iterated"],
    [
      run(() => ({ price: new BigInt64Array(2) }), "mapBatch"),
      'column "price": it has 2 rows, the batch has 3; mapBatch returns as many as it gets',
    ],
    [run(() => ({}), "mapBatch"), 'column "price" is missing in what mapBatch returned'],
  ];
  for (const [call, message] of cases) {
    try {
      call();
      t.fail(`no error: ${message}`);
    } catch (error) {
      t.ok(error instanceof FunctionError);
      t.equal((error as FunctionError).message, `${(error as FunctionError).step}: ${message}`);
    }
  }
});

t.test("what a function throws is the cause of the error", async (t) => {
  const cause = new Error("the function's own reason");
  const failing = userFunction("map", Pair, Pair, () => {
    throw cause;
  });
  try {
    failing(pairs);
    t.fail("it did not throw");
  } catch (error) {
    t.ok(error instanceof FunctionError);
    t.match(error, { step: "map", message: "map: the function threw: the function's own reason", cause });
  }
});
