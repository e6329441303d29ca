import {
  avro,
  type Columns,
  csv,
  type Duration,
  deadLetter,
  files,
  generator,
  type JobBuilder,
  job,
  json,
  kafka,
  mongodb,
  raw,
  type Sink,
  type Size,
  type Stream,
  schema,
  stdout,
  t,
  table,
} from "millrace";
import { type Equal, expect, type Int64, type RowsOf, type Text } from "./expect.js";
import { Everything, rows } from "./rows.js";

declare const j: JobBuilder;
declare const prices: Stream<{ price: Int64 }>;
const to = { topic: "out", brokers: "localhost:9092", format: json() } as const;

// A sink takes any rows, unless its key or headers ask for columns.
rows.to(stdout(to));
rows.to(table());
rows.to(files({ directory: "out", format: json(), rollBytes: "64MB", rollInterval: "10s" }));
rows.to(kafka(to));
rows.to(kafka({ ...to, key: (r) => r.name, headers: (r) => ({ note: r.note, raw: r.raw }) }));
rows.to(kafka({ ...to, key: (r) => r.large.cast(t.string()) }));
// @ts-expect-error: a key is a string or bytes
rows.to(kafka({ ...to, key: (r) => r.large }));
// @ts-expect-error: a header is a string or bytes
rows.to(kafka({ ...to, headers: (r) => ({ price: r.large }) }));
// @ts-expect-error: there is no such column
rows.to(kafka({ ...to, key: (r) => r.nam }));
// @ts-expect-error: a source is no sink
rows.to(generator.bids());
// @ts-expect-error: a sink's format has no schema
rows.to(kafka({ ...to, format: json(Everything) }));

const byName: Sink<{ price: Int64; name: Text }> = kafka({ ...to, key: (r: Columns<{ name: Text }>) => r.name });
prices.select((r) => ({ price: r.price, name: r.price.cast(t.string()) })).to(byName);
// @ts-expect-error: the stream has no column for the sink's key
prices.to(byName);

// Sources.
const bids = j.source(generator.bids({ outOfOrderness: "1s" }));
expect<Equal<RowsOf<typeof bids>["price" | "channel" | "dateTime"], bigint | string | number>>();
const source = { brokers: ["a:9092", "b:9092"], format: json(Everything) } as const;
j.source(kafka({ ...source, pattern: /bids-.*/, start: { timestamp: new Date() }, onBadRecord: "skip" }));
j.source(kafka({ ...source, topic: "bids", onBadRecord: deadLetter(kafka(to)) }));
// @ts-expect-error: reading starts at a named place or a timestamp
j.source(kafka({ ...source, topic: "bids", start: "begin" }));
// @ts-expect-error: bad records fail, are skipped, or go to a sink
j.source(kafka({ ...source, topic: "bids", onBadRecord: "ignore" }));
// @ts-expect-error: there is no such mechanism
j.source(kafka({ ...source, topic: "bids", sasl: { mechanism: "GSSAPI", username: "u", password: "p" } }));
// @ts-expect-error: a sink is no source
j.source(stdout(to));

// Durations and sizes have a unit.
export const durations: Duration[] = ["500ms", "10s", "1.5m", "2h", "1d"];
export const sizes: Size[] = ["1B", "64KB", "128MB", "1GB"];
// @ts-expect-error: a size is no duration
export const megabytes: Duration = "64MB";
// @ts-expect-error: a duration is no size
export const seconds: Size = "10s";
// @ts-expect-error: a unit is written as it is
export const lower: Size = "64mb";
job("j", () => {}, { commitInterval: "5s", parallelism: 2 });
// @ts-expect-error: commits come every so often, in a unit
job("j", () => {}, { commitInterval: 5 });

// Formats.
j.source(kafka({ ...source, topic: "bids", format: avro({ registry: { url: "http://r" } }, Everything) }));
j.source(files({ paths: "a.csv", format: csv({ header: true }, Everything) }));
const lines = j.source(files({ paths: "a.txt", format: raw(schema({ value: t.string() })) }));
expect<Equal<RowsOf<typeof lines>["value"], string>>();
rows.to(kafka({ ...to, format: avro() }));
rows.to(stdout({ format: csv({ null: "-" }) }));
// @ts-expect-error: the one column of raw records is called "value"
j.source(files({ paths: "a.txt", format: raw(schema({ line: t.string() })) }));
// @ts-expect-error: a sink's format has no columns
rows.to(kafka({ ...to, format: avro({}, Everything) }));
// @ts-expect-error: there is no such strategy
avro({ registry: { url: "http://r", subjectStrategy: "name" } });

// MongoDB: a sink names columns of its rows, of types that fit.
const mongo = { url: "mongodb://localhost", database: "d", collection: "c" } as const;
rows.to(mongodb({ ...mongo, id: "name", shardKey: ["large"], objectIds: ["name"], deleteWhere: "flag" }));
rows.to(mongodb({ ...mongo, id: ["name", "large"], write: "update" }));
rows.to(mongodb({ ...mongo, id: null, write: "insert" }));
// @ts-expect-error: there is no such column
rows.to(mongodb({ ...mongo, id: "nam" }));
// @ts-expect-error: a number says nothing of whether a row is to go
rows.to(mongodb({ ...mongo, id: "name", deleteWhere: "large" }));
// @ts-expect-error: an ObjectId is a text here
rows.to(mongodb({ ...mongo, id: "name", objectIds: ["large"] }));
const documents = mongodb({ ...mongo, schema: schema({ _id: t.int64(), name: t.string() }) });
const read = j.source(documents);
expect<Equal<RowsOf<typeof read>, { _id: bigint; name: string }>>();
const joined = rows.lookupJoin(
  documents,
  (row) => ({ _id: row.large }),
  (row, document) => ({ large: row.large, name: document.name }),
);
expect<Equal<RowsOf<typeof joined>, { large: bigint; name: string }>>();
