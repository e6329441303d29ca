import { type CheckpointStorage, type JobOptions, job, type RecoveryOptions } from "millrace";
import { type Equal, expect } from "./expect.js";

// A storage says what it is.
export const storages: CheckpointStorage[] = [
  "file:.millrace/checkpoints",
  "file:///var/lib/millrace",
  "s3://bucket/path",
  "s3://bucket/path?endpoint=http://localhost:9000",
  "hdfs://namenode:9870/path",
];
// @ts-expect-error: a path alone says nothing of what it is on
export const path: CheckpointStorage = "/var/lib/millrace";
// @ts-expect-error: a bucket has a path
export const bucket: CheckpointStorage = "s3://bucket";
// @ts-expect-error: WebHDFS has a port
export const portless: CheckpointStorage = "hdfs://namenode/path";
// @ts-expect-error: no such storage
export const google: CheckpointStorage = "gs://bucket/path";

const storage = "file:.millrace/checkpoints";
job("j", () => {}, { guarantee: "exactly-once", checkpoints: { storage, interval: "30s", retain: 3 } });
job("j", () => {}, { checkpoints: { storage }, state: { backend: "rocksdb", memoryBudget: "400MB" } });
job("j", () => {}, { restart: { attempts: Number.POSITIVE_INFINITY, delay: "500ms", maxDelay: "1m" } });
// @ts-expect-error: checkpoints have a storage
job("j", () => {}, { checkpoints: { interval: "30s" } });
// @ts-expect-error: an interval has a unit
job("j", () => {}, { checkpoints: { storage, interval: 30 } });
// @ts-expect-error: a budget is a size
job("j", () => {}, { state: { memoryBudget: "10s" } });
// @ts-expect-error: there is no such backend
job("j", () => {}, { state: { backend: "redis" } });
// @ts-expect-error: there is no such guarantee
job("j", () => {}, { guarantee: "twice" });
// @ts-expect-error: never, or how often
job("j", () => {}, { restart: "always" });

expect<Equal<JobOptions["guarantee"], RecoveryOptions["guarantee"]>>();
expect<Equal<NonNullable<JobOptions["guarantee"]>, "at-least-once" | "exactly-once" | "at-most-once">>();
