import t from "tap";
import { PlanError } from "../errors.js";
import { type RecoveryOptions, recoveryOf } from "./recovery.js";

/** The error of options that cannot be. */
function refused(options: unknown): string {
  try {
    recoveryOf(options as RecoveryOptions, "refused");
  } catch (error) {
    if (error instanceof PlanError) return error.message;
    throw error;
  }
  throw new Error("the options were taken");
}

const storage = "file:checkpoints";

t.test("a job is started again where it goes on without loss, or where it asks for it", async (t) => {
  const usual = { attempts: 10, delay: 1000, maxDelay: 60_000, resetAfter: 600_000 };
  t.equal(recoveryOf({}, "j").restart, undefined);
  t.strictSame(recoveryOf({ guarantee: "exactly-once" }, "j").restart, usual);
  t.strictSame(recoveryOf({ checkpoints: { storage } }, "j").restart, usual);
  t.equal(recoveryOf({ checkpoints: { storage }, restart: "never" }, "j").restart, undefined);
  t.strictSame(recoveryOf({ restart: { attempts: Number.POSITIVE_INFINITY, delay: "5m" } }, "j").restart, {
    attempts: Number.POSITIVE_INFINITY,
    delay: 300_000,
    maxDelay: 300_000,
    resetAfter: 600_000,
  });
});

t.test("storages are folders, S3 buckets and HDFS", async (t) => {
  const known = [
    "file:checkpoints",
    "file:/var/checkpoints",
    "file:///var/checkpoints",
    "s3://bucket/",
    "s3://bucket/path?endpoint=http://localhost:9000",
    "hdfs://namenode:9870/path?user=millrace",
  ] as const;
  for (const storage of known) t.equal(recoveryOf({ checkpoints: { storage } }, "j").checkpoints?.storage, storage);
  for (const storage of ["file:", "checkpoints", "s3:bucket", "s3://bucket", "hdfs://namenode/path", "gs://b/p", 5]) {
    t.equal(
      refused({ checkpoints: { storage } }),
      `checkpoints.storage: ${JSON.stringify(storage)} is not of the form "file:PATH", "s3://BUCKET/PATH" or ` +
        '"hdfs://HOST:PORT/PATH"',
    );
  }
  t.equal(
    refused({ checkpoints: { storage: "file://data/checkpoints" } }),
    'checkpoints.storage: "file://data/checkpoints" names a host; give "file:data/checkpoints" for a folder below the ' +
      'working directory, "file:///data/checkpoints" for one below the root',
  );
});

t.test("a plan error names the option, and says what to do", async (t) => {
  const checkpoints = { storage };
  const advice = 'give the job a storage, such as checkpoints: { storage: "file:.millrace/checkpoints" }';
  const cases: [unknown, string][] = [
    [{ guarantee: "twice" as never }, 'guarantee: "twice" is none of "at-least-once", "exactly-once", "at-most-once"'],
    [{ checkpoints: { storage, interval: "0s" } }, "checkpoints.interval: it is more than nothing"],
    [
      { checkpoints: { storage, minPause: "5" } },
      'checkpoints.minPause: "5" is not of the form "500ms", "10s", "1m", "2h" or "1d"',
    ],
    [{ checkpoints: { storage, timeout: "0ms" } }, "checkpoints.timeout: it is more than nothing"],
    [
      { checkpoints: { storage, tolerableFailures: -1 } },
      "checkpoints.tolerableFailures: -1 is not a whole number from 0 on",
    ],
    [{ checkpoints: { storage, retain: 0 } }, "checkpoints.retain: 0 is not a whole number from 1 on"],
    [
      { checkpoints, state: { backend: "memory" } },
      'state.backend: "memory" has no checkpoints; take "fs" for state in memory that is written to them, or leave ' +
        "checkpoints out",
    ],
    [
      { checkpoints, state: { backend: "heap" } },
      'state.backend: "heap" is none; there are "rocksdb", "fs" and "memory"',
    ],
    [
      { checkpoints, state: { backend: "fs", memoryBudget: "1GB" } },
      'state.memoryBudget: state leaves the memory with "rocksdb" only, not with "fs"',
    ],
    [{ checkpoints, state: { memoryBudget: "0MB" } }, "state.memoryBudget: it is more than nothing"],
    [
      { checkpoints, state: { memoryBudget: "400" } },
      'state.memoryBudget: "400" is not of the form "64KB", "128MB" or "1GB"',
    ],
    [{ checkpoints, state: { directory: "" } }, "state.directory: it names no folder"],
    [
      { state: { backend: "rocksdb" } },
      `state.backend: "rocksdb" needs checkpoints; ${advice}, or leave the backend out`,
    ],
    [{ state: { backend: "heap" } }, 'state.backend: "heap" is none; there are "rocksdb", "fs" and "memory"'],
    [
      { state: { memoryBudget: "1GB" } },
      `state.memoryBudget: without checkpoints all state is in memory; ${advice}, or leave the budget out`,
    ],
    [
      { state: { directory: "/var" } },
      `state.directory: without checkpoints nothing is kept there; ${advice}, or leave it out`,
    ],
    [{ restart: "always" }, 'restart: "always" is neither "never" nor { attempts, delay, ... }'],
    [{ restart: { attempts: 0 } }, "restart.attempts: 0 is not a whole number from 1 on"],
    [{ restart: { delay: "0s" } }, "restart.delay: it is more than nothing"],
    [{ restart: { delay: "10s", maxDelay: "1s" } }, "restart.maxDelay: 1s is shorter than the first delay, 10s"],
    [{ restart: { resetAfter: "0s" } }, "restart.resetAfter: it is more than nothing"],
  ];
  for (const [options, message] of cases) t.equal(refused(options), message);
});
