// Files to a table of Cassandra, a table to files, or files joined with a table.
import {
  type CassandraConnection,
  type CassandraSinkOptions,
  type CheckpointStorage,
  cassandra,
  type Duration,
  deadLetter,
  env,
  files,
  type JobOptions,
  job,
  json,
  type Schema,
  schema,
  t,
} from "millrace";

const part = { place: t.string(), rank: t.int32().nullable() };
/** Each type that a table has. */
const Everything = schema({
  id: t.string(),
  day: t.date().nullable(),
  flag: t.bool().nullable(),
  tiny: t.int32().nullable(),
  small: t.int32().nullable(),
  whole: t.int32().nullable(),
  big: t.int64().nullable(),
  huge: t.decimal(38, 0).nullable(),
  single: t.float64().nullable(),
  double: t.float64().nullable(),
  price: t.decimal(20, 4).nullable(),
  note: t.string().nullable(),
  plain: t.string().nullable(),
  raw: t.bytes().nullable(),
  at: t.timestamp("ms").nullable(),
  clock: t.string().nullable(),
  moment: t.string().nullable(),
  address: t.string().nullable(),
  tags: t.list(t.string()),
  numbers: t.list(t.int32()).nullable(),
  counts: t.list(t.struct({ key: t.string(), value: t.int64() })),
  part: t.struct(part).nullable(),
  pair: t.struct({ left: t.int32(), right: t.string() }).nullable(),
  parts: t.list(t.struct(part)),
  vector: t.list(t.float64()).nullable(),
});
const Row = schema({
  place: t.string().nullable(),
  id: t.int64(),
  revision: t.int64(),
  note: t.string().nullable(),
});
const SCHEMAS: Record<string, Schema> = { everything: Everything, rows: Row };

const at: CassandraConnection = {
  contactPoints: env("CASSANDRA"),
  localDataCenter: "datacenter1",
  keyspace: "tests",
  table: env("TABLE"),
  ...(JSON.parse(env("AT", "{}")) as Partial<CassandraConnection>),
};
const options = JSON.parse(env("OPTIONS", "{}")) as Partial<CassandraSinkOptions>;
const format = json(SCHEMAS[env("SCHEMA", "rows")] as Schema<typeof Row.shape>);
const input = () => files({ paths: env("INPUT").split(","), format, follow: env("FOLLOW", "") === "yes" });
const paging = JSON.parse(env("PAGING", "{}")) as { splits?: number; pageRows?: number };
const output = () => files({ directory: env("OUTPUT"), format: json(), rollInterval: "500ms" });
const onBadRecord =
  env("DEAD", "") === "" ? {} : { onBadRecord: deadLetter(files({ directory: env("DEAD"), format: json() })) };

const recovery: JobOptions =
  env("CHECKPOINTS", "") === ""
    ? {}
    : {
        checkpoints: { storage: env("CHECKPOINTS") as CheckpointStorage, interval: "200ms" as Duration },
        state: { directory: env("STATE") },
        guarantee: env("GUARANTEE", "at-least-once") as "at-least-once" | "exactly-once",
      };

const JOBS: Record<string, () => ReturnType<typeof job>> = {
  write: () =>
    job("cassandra-write", (j) => j.source(input()).to(cassandra({ ...at, ...options, ...onBadRecord })), {
      parallelism: 2,
      commitInterval: "200ms",
      restart: "never",
      ...recovery,
    }),
  read: () =>
    job("cassandra-read", (j) => j.source(cassandra({ ...at, ...paging, schema: format.schema })).to(output()), {
      parallelism: 2,
      restart: "never",
      ...recovery,
    }),
  join: () =>
    job(
      "cassandra-join",
      (j) =>
        j
          .source(input())
          .leftLookupJoin(
            cassandra({ ...at, schema: Row }),
            (row) => (env("BY", "") === "place" ? { place: row.place } : { place: row.place, id: row.id }),
            (row, match) => ({ id: row.id, note: match.note, matched: match.revision }),
          )
          .to(output()),
      { parallelism: 2, restart: "never" },
    ),
};

export default JOBS[env("JOB")]?.();
