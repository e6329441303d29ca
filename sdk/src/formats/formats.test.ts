import { ByteBuffer } from "flatbuffers";
import t from "tap";
import { deadLetter, json, type Sink, type Source } from "../connectors/connector.js";
import { files } from "../connectors/files.js";
import { kafka } from "../connectors/kafka.js";
import { stdout } from "../connectors/screen.js";
import { explain } from "../explain/explain.js";
import {
  Envelope,
  FormatKind,
  type FormatT,
  Framing,
  Job as PlanJob,
  type SinkT,
  type SourceT,
} from "../generated/millrace/plan.js";
import { schema, t as types } from "../schema/schema.js";
import { job } from "../stream/job.js";
import { avro } from "./avro.js";
import { csv } from "./csv.js";
import { debezium } from "./debezium.js";
import { jsonSchema } from "./json-schema.js";
import { protobuf } from "./protobuf.js";
import { raw } from "./raw.js";
import { upsert } from "./upsert.js";

const Row = schema({
  id: types.int64(),
  at: types.timestamp("s").nullable(),
  price: types.decimal(9, 2),
  parts: types.list(types.struct({ on: types.date(), name: types.string().nullable() })),
});
const kafkaTo = { topic: "some.rows", brokers: "b:1" };

/** The plan's source and sink of a job with these. */
function planned(source: Source<typeof Row.shape>, sink: Sink, schemaIds?: ReadonlyMap<string, number>) {
  const built = job("j", (j) => j.source(source).to(sink).id("out"));
  const { operators } = PlanJob.getRootAsJob(new ByteBuffer(built.toPlan({ schemaIds }))).unpack();
  return { source: operators[0]?.kind as SourceT, sink: operators[1]?.kind as SinkT };
}

const jsonSource = kafka({ topic: "in", brokers: "b:1", format: json(Row) });
const written = (sink: Sink, ids?: ReadonlyMap<string, number>) =>
  planned(jsonSource, sink, ids).sink.format as FormatT;

t.test("without a schema, a sink's is made from its columns", async (t) => {
  const { kind, framing, schema } = written(kafka({ ...kafkaTo, format: avro() }));
  t.equal(kind, FormatKind.Avro);
  t.equal(framing, Framing.Plain);
  t.strictSame(JSON.parse(String(schema)), {
    type: "record",
    name: "some_rows",
    fields: [
      { name: "id", type: "long" },
      { name: "at", type: ["null", { type: "long", logicalType: "timestamp-millis" }], default: null },
      { name: "price", type: { type: "bytes", logicalType: "decimal", precision: 9, scale: 2 } },
      {
        name: "parts",
        type: {
          type: "array",
          items: {
            type: "record",
            name: "some_rows_parts",
            fields: [
              { name: "on", type: { type: "int", logicalType: "date" } },
              { name: "name", type: ["null", "string"], default: null },
            ],
          },
        },
      },
    ],
  });
});

t.test("a registry goes into the plan with its subject, login and the number that the schema has got", async (t) => {
  const subject = (registry: object) => {
    const format = avro({ registry: { url: "http://r", ...registry }, name: "com.example.Row" });
    return written(kafka({ ...kafkaTo, format })).registry?.subject;
  };
  t.equal(subject({}), "some.rows-value");
  t.equal(subject({ subjectStrategy: "record" }), "com.example.Row");
  t.equal(subject({ subjectStrategy: "topic-record" }), "some.rows-com.example.Row");
  t.equal(subject({ subject: "own" }), "own");
  const format = avro({ registry: { url: "http://r", username: "u", password: "p" } });
  const { registry, schemaId, framing } = written(kafka({ ...kafkaTo, format }), new Map([["out", 7]]));
  t.equal(framing, Framing.Confluent);
  t.equal(schemaId, 7);
  t.strictSame(
    registry?.properties.map(({ key, value }) => [key, value]),
    [
      ["username", "u"],
      ["password", "(secret)"],
    ],
  );
  t.equal(written(kafka({ ...kafkaTo, format })).schemaId, null);
});

t.test("a source has the subject of its one topic, and what its reader's schema adds", async (t) => {
  const format = avro({ registry: { url: "http://r" }, readerSchema: { type: "record", name: "R", fields: [] } }, Row);
  const read = (topics: string[]) => planned(kafka({ topics, brokers: "b:1", format }), stdout({ format: json() }));
  t.equal(read(["in"]).source.format?.registry?.subject, "in-value");
  t.equal(read(["in", "other"]).source.format?.registry?.subject, null);
  t.equal(read(["in"]).source.format?.readerSchema, '{"type":"record","name":"R","fields":[]}');
});

t.test("csv and raw go into the plan, and with bad records, too", async (t) => {
  const source = files({
    paths: "a.csv",
    format: csv({ delimiter: ";", header: true }, Row),
    onBadRecord: deadLetter(files({ directory: "bad", format: csv({ null: "NULL" }) })),
  });
  const { source: read, sink } = planned(source, stdout({ format: raw() }));
  t.match(read.format, { kind: FormatKind.Csv, delimiter: ";", quote: '"', nullText: "", header: true });
  t.match(read.deadLetter?.format, { kind: FormatKind.Csv, nullText: "NULL" });
  t.equal(sink.format?.kind, FormatKind.Raw);
});

const proto = 'syntax = "proto3";\npackage com.example;\n// message No {}\nmessage Row { int64 id = 1; }';

t.test("without a proto, a sink's is made from its columns", async (t) => {
  const { kind, framing, schema, message } = written(kafka({ ...kafkaTo, format: protobuf({ message: "a.b.Row" }) }));
  t.equal(kind, FormatKind.Protobuf);
  t.equal(framing, Framing.Plain);
  t.equal(message, "a.b.Row");
  t.equal(
    schema,
    `syntax = "proto3";
package a.b;
import "google/protobuf/timestamp.proto";
message Row {
  int64 id = 1;
  optional google.protobuf.Timestamp at = 2;
  string price = 3;
  repeated Row_parts parts = 4;
}
message Row_parts {
  int32 on = 1;
  optional string name = 2;
}
`,
  );
});

t.test("a proto goes into the plan with its imports, its message and its registry", async (t) => {
  const registry = { url: "http://r", subjectStrategy: "record" } as const;
  const format = protobuf({ proto, imports: { "a.proto": "" }, registry });
  const sink = written(kafka({ ...kafkaTo, format }), new Map([["out", 7]]));
  t.equal(sink.schema, proto);
  t.strictSame(
    sink.imports.map(({ key, value }) => [key, value]),
    [["a.proto", ""]],
  );
  t.equal(sink.message, "com.example.Row");
  t.equal(sink.registry?.subject, "com.example.Row");
  t.equal(sink.schemaId, 7);
  const of = protobuf({ descriptorSet: Uint8Array.of(1, 2) }, Row);
  const { source } = planned(kafka({ topic: "in", brokers: "b:1", format: of }), stdout({ format: json() }));
  t.match(source.format, { kind: FormatKind.Protobuf, descriptors: [1, 2], schema: null, message: null });
});

t.test("the JSON Schema of a sink is made from its columns", async (t) => {
  const format = jsonSchema({ registry: { url: "http://r", subjectStrategy: "topic-record" }, name: "Row" });
  const built = job("j", (j) => j.source(jsonSource).to(kafka({ ...kafkaTo, format })));
  const { step } = built.steps[1] as { step: { format?: { schema?: string } } };
  const string = { type: "string" };
  t.strictSame(JSON.parse(step.format?.schema ?? ""), {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Row",
    type: "object",
    properties: {
      id: { type: "integer", "connect.type": "int64" },
      at: { oneOf: [{ type: "null" }, { type: "integer", "connect.type": "int64" }] },
      price: {
        type: "number",
        title: "org.apache.kafka.connect.data.Decimal",
        "connect.parameters": { scale: "2", "connect.decimal.precision": "9" },
      },
      parts: {
        type: "array",
        items: {
          type: "object",
          properties: { on: { ...string, format: "date" }, name: { oneOf: [{ type: "null" }, string] } },
          required: ["on"],
        },
      },
    },
    required: ["id", "price", "parts"],
  });
  const { kind, framing, registry } = written(kafka({ ...kafkaTo, format }));
  t.strictSame([kind, framing, registry?.subject], [FormatKind.JsonSchema, Framing.Confluent, "some.rows-Row"]);
});

t.test("a change event has the columns of its row and its own", async (t) => {
  const format = debezium(jsonSchema({ registry: { url: "http://r" } }, Row));
  t.strictSame(
    format.schema.fields.map(({ name }) => name),
    ["id", "at", "price", "parts", "op", "sourceTime"],
  );
  const { source } = planned(kafka({ topic: "in", brokers: "b:1", format }), stdout({ format: json() }));
  t.match(source.format, { kind: FormatKind.JsonSchema, envelope: Envelope.Debezium });
  t.equal(source.format?.registry?.subject, "in-value");
});

t.test("what may be deleted is nullable, but for its key", async (t) => {
  const format = upsert(json(Row), { key: "id" });
  t.strictSame(
    format.schema.fields.map(({ name, nullable }) => [name, nullable]),
    [
      ["id", false],
      ["at", true],
      ["price", true],
      ["parts", true],
      ["deleted", false],
    ],
  );
  const source = kafka({ topic: "in", brokers: "b:1", format });
  const sink = kafka<typeof format.schema.shape>({
    ...kafkaTo,
    format: json(),
    key: (row) => row.id.cast(types.string()),
    tombstone: (row) => row.deleted,
  });
  const built = job("j", (j) => j.source(source).to(sink));
  const { operators } = PlanJob.getRootAsJob(new ByteBuffer(built.toPlan())).unpack();
  const [read, written] = operators.map(({ kind }) => kind);
  t.match(read, { format: { envelope: Envelope.Upsert, envelopeKey: "id" } });
  t.match(written, { tombstone: { node: { name: "deleted" } } });
  t.match(explain(built), "no value where deleted");
});

t.test("what an envelope or a proto cannot be is an error", async (t) => {
  t.throws(() => debezium(json() as never), { message: /^debezium: it is read, and not written/ });
  const Op = schema({ op: types.int64() });
  t.throws(() => debezium(json(Op)), { message: 'debezium: it has a column "op" of its own: leave out yours' });
  t.throws(() => upsert(json(Row), { key: "nope" as never }), { message: /there is no column "nope"/ });
  t.throws(() => upsert(json(Row), { key: "at" }), {
    message: 'upsert: column "at" is no string, bytes, int32, int64',
  });
  t.throws(() => upsert(json(schema({ deleted: types.int64() })), { key: "deleted" }), { message: /of its own/ });
  t.throws(() => kafka({ ...kafkaTo, format: json(), tombstone: () => null as never }), {
    message: "kafka(some.rows): a tombstone deletes what has its key: give a key",
  });
  t.throws(() => protobuf({}, Row), { message: /give the proto that records are written with, or the registry/ });
  t.throws(() => protobuf({ proto, descriptorSet: new Uint8Array() }, Row), { message: /one of them/ });
  t.throws(() => protobuf({ descriptorSet: new Uint8Array(), registry: { url: "http://r" } }), {
    message: /takes the text/,
  });
  const Lists = schema({ a: types.list(types.list(types.int64())) });
  const lists = () =>
    job("j", (j) =>
      j
        .source(kafka({ topic: "in", brokers: "b:1", format: json(Lists) }))
        .to(kafka({ ...kafkaTo, format: protobuf() })),
    );
  t.throws(lists, {
    message: 'kafka(some.rows): protobuf: column "a": its lists hold no lists: put them into a struct',
  });
});

t.test("what cannot be is an error that says what to do", async (t) => {
  t.throws(() => kafka({ topic: "in", brokers: "b:1", format: avro({}, Row) }), {
    message: /give the schema that records are written with, or the registry/,
  });
  t.throws(() => avro({ schema: '"long"', registry: { url: "http://r" } }, Row), { message: /give a readerSchema/ });
  t.throws(() => avro({ schema: "{" }), { message: /^avro: the schema is no JSON: / });
  const Odd = schema({ "a b": types.int64() });
  const odd = () =>
    job("j", (j) =>
      j.source(kafka({ topic: "in", brokers: "b:1", format: json(Odd) })).to(kafka({ ...kafkaTo, format: avro() })),
    );
  t.throws(odd, { message: /^kafka\(some\.rows\): avro: it has no fields like "a b"/ });
  t.throws(() => written(kafka({ ...kafkaTo, format: avro({ name: "1st" }) })), { message: /is no name of a record/ });
});
