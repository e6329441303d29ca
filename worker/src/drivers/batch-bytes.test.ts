import { type Field, schema, t as type } from "millrace";
import t from "tap";
import { rowWriter } from "../functions/row-code.js";
import type { Batch, Column } from "../native.js";
import { batchBytes } from "./batch-bytes.js";

function batch(fields: readonly Field[], rows: readonly object[]): Batch {
  const writer = rowWriter(fields);
  writer.begin();
  rows.forEach((row, index) => {
    writer.set(index, row);
  });
  return { length: rows.length, columns: writer.finish(rows.length) };
}

t.test("bytes are those of values, offsets and nulls, of what is nested among them", async (t) => {
  const { fields } = schema({
    flag: type.bool(),
    id: type.int64().nullable(),
    tags: type.list(type.string()),
    at: type.struct({ x: type.int32(), name: type.string() }),
  });
  const row = { flag: true, id: 1n, tags: ["ab", "c"], at: { x: 1, name: "xyz" } };
  const [flags, ids] = [1, 16 + 1];
  const tags = 3 * 4 + (3 * 4 + 3);
  const at = 2 * 4 + (3 * 4 + 3);
  t.equal(
    batchBytes(batch(fields, [row, { ...row, id: null, tags: [], at: { x: 2, name: "" } }])),
    flags + ids + tags + at,
  );
  t.equal(batchBytes(batch(fields, [])), 0);
});

t.test("of texts that other rows have in the same memory nothing is counted", async (t) => {
  const values = new TextEncoder().encode("before|own|behind");
  const part: Column = { length: 2, values, offsets: new Uint8Array(Int32Array.of(7, 8, 10).buffer), children: [] };
  t.equal(batchBytes({ length: 2, columns: [part] }), 3 * 4 + 3);
});
