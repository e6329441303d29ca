import { ByteBuffer } from "flatbuffers";
import t from "tap";
import { explain } from "../explain/explain.js";
import { lit } from "../expr/make.js";
import { avro } from "../formats/avro.js";
import { type ParquetOptions, parquet } from "../formats/parquet.js";
import { type FileSinkT, FormatKind, Job as PlanJob, type SinkT, type SourceT } from "../generated/millrace/plan.js";
import { schema, t as types } from "../schema/schema.js";
import { job } from "../stream/job.js";
import { deadLetter, json, type Sink, type Source } from "./connector.js";
import { type FileSinkOptions, files } from "./files.js";

const Row = schema({ at: types.timestamp("ms"), country: types.string(), price: types.float64() });
const source = files({ paths: "in/*.parquet", format: parquet(Row) });
const made = (to: Sink<typeof Row.shape>, from: Source<typeof Row.shape> = source) =>
  job("j", (j) => j.source(from).to(to));
const out = (options: Partial<FileSinkOptions<typeof Row.shape>>) =>
  files<typeof Row.shape>({ directory: "out", format: parquet(), ...options });

function planned(to: Sink<typeof Row.shape>, from?: Source<typeof Row.shape>) {
  const { operators } = PlanJob.getRootAsJob(new ByteBuffer(made(to, from).toPlan())).unpack();
  return { source: operators[0]?.kind as SourceT, sink: operators[1]?.kind as SinkT };
}

t.test("parquet goes into the plan with what it is written by", async (t) => {
  const options: ParquetOptions = { compression: "zstd", rowGroupRows: 5000, rowGroupBytes: "8MB" };
  const { source, sink } = planned(out({ format: parquet(options) }));
  t.equal(source.format?.kind, FormatKind.Parquet);
  t.match(sink.format, { kind: FormatKind.Parquet, codec: "zstd", rowGroupRows: 5000, rowGroupBytes: 8_388_608n });
  t.match(planned(out({ format: parquet({ compression: "none" }) })).sink.format, { codec: "" });
});

t.test("avro of files has its schema inside: a source needs none, and a sink makes one", async (t) => {
  const { source: read, sink } = planned(
    out({ format: avro({ codec: "deflate" }) }),
    files({ paths: "in/*.avro", format: avro({}, Row) }),
  );
  t.match(read.format, { kind: FormatKind.Avro, schema: null });
  t.match(sink.format, { kind: FormatKind.Avro, codec: "deflate" });
  t.equal(JSON.parse(String(sink.format?.schema)).name, "row");
  t.throws(() => files({ paths: "a.avro", format: avro({ schema: '"int"' }, Row) }), {
    message: "avro: files have their schema inside: leave out schema and registry",
  });
});

t.test("folders are called by expressions; whole days are written as dates", async (t) => {
  const sink = out({
    partitionBy: (row) => ({ day: row.at.truncate("day"), hour: row.at.truncate("hour"), country: row.country }),
    openFiles: 8,
  });
  const file = planned(sink).sink.connector as FileSinkT;
  t.strictSame(
    file.partitionBy.map(({ name }) => name),
    ["day", "hour", "country"],
  );
  t.equal(file.openFiles, 8);
  t.match(explain(made(sink)), 'folder day = truncate("day", at) as date');
  t.match(explain(made(sink)), 'folder hour = truncate("hour", at)\n');
});

t.test("what no folder can be called by is an error", async (t) => {
  const by = (partitionBy: NonNullable<FileSinkOptions<typeof Row.shape>["partitionBy"]>) => () =>
    made(out({ partitionBy }));
  t.throws(
    by((row) => ({ price: row.price as never })),
    {
      message:
        'files(out): partitionBy "price" is float64: a folder is called by bool, int32, int64, string, date, timestamp',
    },
  );
  t.throws(
    by(() => ({ _x: lit(1, types.int64()) })),
    {
      message: 'files(out): partitionBy "_x": what begins with an underscore or a point is left alone by readers',
    },
  );
  t.throws(() => out({ openFiles: 0 }), { message: "files(out): openFiles is 0: give a number from 1 to 10000" });
  t.throws(
    () => deadLetter(files({ directory: "bad", format: json(), partitionBy: () => ({ a: lit(1, types.int64()) }) })),
    {
      message: "files(bad): bad records go to one folder: leave out partitionBy",
    },
  );
  t.throws(() => parquet({ rowGroupRows: 0.5 }), { message: /^parquet: rowGroupRows is 0.5/ });
});
