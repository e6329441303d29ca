import t from "tap";
import { jsonSchemaCode } from "./json-schema.js";

const code = (schema: object, references: Record<string, object> = {}) =>
  jsonSchemaCode(
    JSON.stringify(schema),
    new Map(Object.entries(references).map(([name, text]) => [name, JSON.stringify(text)])),
  );

t.test("every type becomes the column that it is read as", async (t) => {
  const connect = (name: string) => `org.apache.kafka.connect.data.${name}`;
  const written = code(
    {
      title: "com.example.Order",
      type: "object",
      properties: {
        flag: { type: "boolean" },
        small: { type: "integer", "connect.type": "int32" },
        large: { type: "integer" },
        at: { type: "integer", title: connect("Timestamp") },
        price: {
          type: "number",
          title: connect("Decimal"),
          "connect.parameters": { scale: "2", "connect.decimal.precision": "9" },
        },
        half: { type: ["number", "null"] },
        text: { oneOf: [{ type: "null" }, { type: "string" }] },
        raw: { type: "string", contentEncoding: "base64" },
        day: { type: "string", format: "date" },
        kind: { enum: ["A", "B"] },
        "odd name": { $ref: "#/definitions/Address" },
        others: { type: "array", items: { $ref: "other.json" } },
      },
      required: ["flag", "small", "large", "at", "price", "half", "text", "raw", "day", "kind", "others"],
      definitions: { Address: { type: "object", properties: { city: { type: "string" } }, required: ["city"] } },
    },
    {
      "other.json": {
        type: "object",
        properties: { x: { $ref: "#/definitions/X" } },
        definitions: { X: { type: "integer" } },
      },
    },
  );
  t.equal(
    written,
    `import { schema, t } from "millrace";

export const Order = schema({
  flag: t.bool(),
  small: t.int32(),
  large: t.int64(),
  at: t.timestamp("ms"),
  price: t.decimal(9, 2),
  half: t.float64().nullable(),
  text: t.string().nullable(),
  raw: t.bytes(),
  day: t.date(),
  kind: t.string(),
  "odd name": t.struct({
    city: t.string(),
  }).nullable(),
  others: t.list(t.struct({
    x: t.int64().nullable(),
  })),
});
`,
  );
});

t.test("what is no column is told with its path", async (t) => {
  const message = (of: object) => {
    try {
      return code({ type: "object", properties: { a: of } });
    } catch (error) {
      return (error as Error).message;
    }
  };
  t.equal(message({ oneOf: [{ type: "string" }, { type: "integer" }] }), "a: one of several types is no column");
  t.equal(message({ type: "object" }), "a: an object whose properties are not named is no column");
  t.equal(message({ $ref: "gone.json" }), 'a: there is no schema "gone.json"');
  t.match(message({ $ref: "#" }), /^a\.a\.a\.\.\.: it contains itself/);
  t.throws(() => code({ type: "string" }), { message: "it is no object, and columns are read from one" });
});
