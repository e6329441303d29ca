import { ByteBuffer } from "flatbuffers";
import t from "tap";
import { deadLetter, json, type Sink, type Source } from "../connectors/connector.js";
import { files } from "../connectors/files.js";
import { kafka } from "../connectors/kafka.js";
import { stdout } from "../connectors/screen.js";
import {
  AvroFraming,
  FormatKind,
  type FormatT,
  Job as PlanJob,
  type SinkT,
  type SourceT,
} from "../generated/millrace/plan.js";
import { schema, t as types } from "../schema/schema.js";
import { job } from "../stream/job.js";
import { avro } from "./avro.js";
import { csv } from "./csv.js";
import { raw } from "./raw.js";

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
  t.equal(framing, AvroFraming.Plain);
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
  t.equal(framing, AvroFraming.Confluent);
  t.equal(schemaId, 7);
  t.strictSame(
    registry?.properties.map(({ key, value }) => [key, value]),
    [
      ["username", "u"],
      ["password", "p"],
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

t.test("what cannot be is an error that says what to do", async (t) => {
  t.throws(() => kafka({ topic: "in", brokers: "b:1", format: avro({}, Row) }), {
    message: /give the schema that records are written with, or the registry/,
  });
  t.throws(() => avro({ schema: '"long"', registry: { url: "http://r" } }, Row), { message: /give a readerSchema/ });
  t.throws(() => avro({ schema: "{" }), { message: /^avro: the schema is no JSON: / });
  t.throws(() => csv({ header: true }), { message: "csv: a sink writes no header" });
  const Odd = schema({ "a b": types.int64() });
  const odd = () =>
    job("j", (j) =>
      j.source(kafka({ topic: "in", brokers: "b:1", format: json(Odd) })).to(kafka({ ...kafkaTo, format: avro() })),
    );
  t.throws(odd, { message: /^kafka\(some\.rows\): avro: it has no fields like "a b"/ });
  t.throws(() => written(kafka({ ...kafkaTo, format: avro({ name: "1st" }) })), { message: /is no name of a record/ });
});
