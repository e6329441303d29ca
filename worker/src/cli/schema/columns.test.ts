import t from "tap";
import { schemaCode } from "./columns.js";

const record = (...fields: object[]) => JSON.stringify({ type: "record", name: "com.example.Order", fields });
const field = (name: string, type: unknown) => ({ name, type });
const logical = (type: string, logicalType: string, rest = {}) => ({ type, logicalType, ...rest });

t.test("every type becomes the column that it is read as", async (t) => {
  const text = record(
    field("flag", "boolean"),
    field("small", ["null", "int"]),
    field("large", { type: "long" }),
    field("half", "float"),
    field("text", ["string", "null"]),
    field("raw", { type: "fixed", name: "F", size: 3 }),
    field("price", logical("bytes", "decimal", { precision: 9, scale: 2 })),
    field("day", logical("int", "date")),
    field("at", logical("long", "timestamp-micros")),
    field("kind", { type: "enum", name: "K", symbols: ["A"] }),
    field("tags", { type: "array", items: ["null", "string"] }),
    field("counts", { type: "map", values: "long" }),
    field("address", {
      type: "record",
      name: "A",
      fields: [field("city", "string"), field("zip", ["null", "string"])],
    }),
    field("again", ["null", "A"]),
  );
  t.equal(
    schemaCode(text, []),
    `import { schema, t } from "millrace";

export const Order = schema({
  flag: t.bool(),
  small: t.int32().nullable(),
  large: t.int64(),
  half: t.float64(),
  text: t.string().nullable(),
  raw: t.bytes(),
  price: t.decimal(9, 2),
  day: t.date(),
  at: t.timestamp("us"),
  kind: t.string(),
  tags: t.list(t.string().nullable()),
  counts: t.list(t.struct({ key: t.string(), value: t.int64() })),
  address: t.struct({
    city: t.string(),
    zip: t.string().nullable(),
  }),
  again: t.struct({
    city: t.string(),
    zip: t.string().nullable(),
  }).nullable(),
});
`,
  );
});

t.test("a type of another schema is found by its reference", async (t) => {
  const reference = JSON.stringify({ type: "enum", name: "Kind", namespace: "shared", symbols: ["A"] });
  t.match(schemaCode(record(field("kind", "shared.Kind")), [reference]), "  kind: t.string(),");
});

t.test("what is no column is told by the path of its field", async (t) => {
  const inner = { type: "record", name: "I", fields: [field("either", ["int", "string"])] };
  t.throws(() => schemaCode(record(field("a", inner)), []), {
    message: "a.either: a union of several types is no column",
  });
  t.throws(() => schemaCode(record(field("a", "Unknown")), []), { message: 'a: there is no column of type "Unknown"' });
  t.throws(() => schemaCode(record(field("next", ["null", "com.example.Order"])), []), { message: /contains itself/ });
  t.throws(() => schemaCode('"long"', []), { message: "it is no record, and columns are read from one" });
});
