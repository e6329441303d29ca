import { schema, type TextColumn, t } from "millrace";
import { type Equal, expect, type RowsOf } from "./expect.js";
import { rows } from "./rows.js";

const Out = schema({ id: t.int64(), label: t.string().nullable() });
type OutRow = { id: bigint; label: string | null };

// A row comes as JavaScript values, and a row of the schema goes.
const mapped = rows.map(Out, (row) => {
  expect<Equal<typeof row, RowsOf<typeof rows>>>();
  expect<Equal<typeof row.large, bigint>>();
  expect<Equal<typeof row.note, string | null>>();
  return { id: row.large + 1n, label: row.note };
});
expect<Equal<RowsOf<typeof mapped>, OutRow>>();
// @ts-expect-error: an int64 is a bigint
rows.map(Out, (row) => ({ id: row.small, label: null }));
// @ts-expect-error: a column is missing
rows.map(Out, (row) => ({ id: row.large }));
// @ts-expect-error: a value that is missing is null, not undefined
rows.map(Out, (row) => ({ id: row.large, label: undefined }));
// @ts-expect-error: there is no such column
rows.map(Out, (row) => ({ id: row.larg, label: null }));
// @ts-expect-error: a bigint is not added to a number
rows.map(Out, (row) => ({ id: row.large + 1, label: null }));
// @ts-expect-error: rows are values here, not expressions
rows.map(Out, (row) => ({ id: row.large.add(1), label: null }));
// @ts-expect-error: the schema of the rows comes first
rows.map((row) => ({ id: row.large, label: null }));
// @ts-expect-error: a function answers at once
rows.map(Out, async (row) => ({ id: row.large, label: null }));

const flat = rows.flatMap(Out, (row) => row.tags.map((label) => ({ id: row.large, label })));
expect<Equal<RowsOf<typeof flat>, OutRow>>();
rows.flatMap(Out, function* (row) {
  yield { id: row.large, label: row.name };
});
// @ts-expect-error: it returns rows, not a row
rows.flatMap(Out, (row) => ({ id: row.large, label: null }));
// @ts-expect-error: each of them a row of the schema
rows.flatMap(Out, (row) => row.tags);

// A batch comes as columns: numbers as typed arrays, text as something to ask.
const batched = rows.mapBatch(Out, (batch) => {
  expect<Equal<typeof batch.columns.small, Int32Array>>();
  expect<Equal<typeof batch.columns.large, BigInt64Array>>();
  expect<Equal<typeof batch.columns.maybe, BigInt64Array>>();
  expect<Equal<typeof batch.columns.ratio, Float64Array>>();
  expect<Equal<typeof batch.columns.at, BigInt64Array>>();
  expect<Equal<typeof batch.columns.day, Int32Array>>();
  expect<Equal<typeof batch.columns.flag, Uint8Array>>();
  expect<Equal<typeof batch.columns.money, TextColumn<string>>>();
  expect<Equal<typeof batch.columns.tags, TextColumn<string[]>>>();
  expect<Equal<typeof batch.columns.place, TextColumn<{ city: string; zip: number | null }>>>();
  // @ts-expect-error: there is no such column
  batch.isNull("larg", 0);
  return { id: batch.columns.large, label: Array.from(batch.columns.name) };
});
expect<Equal<RowsOf<typeof batched>, OutRow>>();
// @ts-expect-error: a typed array is of the column's own type
rows.mapBatch(Out, (batch) => ({ id: batch.columns.ratio, label: batch.columns.name }));
// @ts-expect-error: values are of the column's own type
rows.mapBatch(Out, (batch) => ({ id: [1], label: batch.columns.name }));
// @ts-expect-error: all columns of the schema are there
rows.mapBatch(Out, (batch) => ({ id: batch.columns.large }));
// @ts-expect-error: columns are read by number, not by index access, where they are decoded
rows.mapBatch(Out, (batch) => ({ id: batch.columns.large, label: [batch.columns.name[0]] }));
