import fc from "fast-check";
import { ByteBuffer } from "flatbuffers";
import t from "tap";
import { json } from "../connectors/connector.js";
import { kafka } from "../connectors/kafka.js";
import { stdout } from "../connectors/screen.js";
import { Guarantee, Job as PlanJob, StateBackend } from "../generated/millrace/plan.js";
import { Column, schema } from "../schema/schema.js";
import type { DataType } from "../schema/type.js";
import { type JobOptions, job } from "../stream/job.js";

const leaf = fc.constantFrom<DataType>(
  { kind: "bool" },
  { kind: "int32" },
  { kind: "int64" },
  { kind: "float64" },
  { kind: "decimal", precision: 12, scale: 3 },
  { kind: "string" },
  { kind: "bytes" },
  { kind: "timestamp", unit: "us" },
  { kind: "date" },
);
const anyType = fc.letrec<{ type: DataType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc
      .record({ type: tie("type"), nullable: fc.boolean() })
      .map((item): DataType => ({ kind: "list", item: { name: "item", ...item } })),
    fc
      .array(fc.record({ type: tie("type"), nullable: fc.boolean() }), { minLength: 1, maxLength: 3 })
      .map(
        (parts): DataType => ({ kind: "struct", fields: parts.map((part, index) => ({ name: `f${index}`, ...part })) }),
      ),
  ),
})).type;

t.test("what a job says is in its plan, whatever its columns", async () => {
  const columns = fc.dictionary(fc.string({ minLength: 1 }), fc.record({ type: anyType, nullable: fc.boolean() }), {
    minKeys: 1,
    maxKeys: 8,
  });
  fc.assert(
    fc.property(columns, fc.string({ minLength: 1 }), (given, name) => {
      const declared = schema(
        Object.fromEntries(Object.entries(given).map(([key, c]) => [key, new Column(c.type, c.nullable)])),
      );
      const built = job(
        name,
        (j) => j.source(kafka({ topic: "in", brokers: "b:1", format: json(declared) })).to(stdout({ format: json() })),
        { parallelism: 3 },
      );
      const plan = PlanJob.getRootAsJob(new ByteBuffer(built.toPlan())).unpack();
      const fields = plan.operators[0]?.fields ?? [];
      return (
        plan.name === name &&
        plan.parallelism === 3 &&
        fields.length === declared.fields.length &&
        fields.every(
          (field, index) =>
            field.name === declared.fields[index]?.name && field.nullable === declared.fields[index]?.nullable,
        )
      );
    }),
  );
});

t.test("a plan that was read back writes the same plan again", async (t) => {
  const built = job("same", (j) =>
    j
      .source(kafka({ topic: "in", brokers: "b:1", format: json(schema({ a: new Column({ kind: "int64" }) })) }))
      .to(stdout({ format: json() })),
  );
  const once = PlanJob.getRootAsJob(new ByteBuffer(built.toPlan())).unpack();
  t.strictSame(PlanJob.getRootAsJob(new ByteBuffer(built.toPlan())).unpack(), once);
});

const planOf = (options: JobOptions) => {
  const source = kafka({ topic: "in", brokers: "b:1", format: json(schema({ a: new Column({ kind: "int64" }) })) });
  const built = job("a job", (j) => j.source(source).to(stdout({ format: json() })), options);
  return PlanJob.getRootAsJob(new ByteBuffer(built.toPlan())).unpack();
};

t.test("a plan says what its job says of failures, with what it leaves out filled in", async (t) => {
  const plain = planOf({});
  t.equal(plain.guarantee, Guarantee.AtLeastOnce);
  t.equal(plain.checkpoints, null);

  const storage = "s3://bucket/path";
  t.match(planOf({ guarantee: "exactly-once", checkpoints: { storage } }), {
    guarantee: Guarantee.ExactlyOnce,
    checkpoints: {
      storage,
      interval: 10_000n,
      minPause: 0n,
      timeout: 600_000n,
      tolerableFailures: 0,
      retained: 2,
      backend: StateBackend.RocksDb,
      memoryBudget: 0n,
      directory: ".millrace/state/a~20job",
    },
  });

  const checkpoints = {
    storage,
    interval: "1m",
    minPause: "5s",
    timeout: "2m",
    tolerableFailures: 3,
    retain: 7,
  } as const;
  t.match(planOf({ checkpoints, state: { backend: "fs", directory: "/var/lib/a" } }).checkpoints, {
    interval: 60_000n,
    minPause: 5000n,
    timeout: 120_000n,
    tolerableFailures: 3,
    retained: 7,
    backend: StateBackend.Filesystem,
    directory: "/var/lib/a",
  });
  t.equal(planOf({ checkpoints, state: { memoryBudget: "400MB" } }).checkpoints?.memoryBudget, 400n * 1024n ** 2n);
});
