// What the tests tell the jobs, and the rows that they share.
import {
  type CheckpointStorage,
  type Duration,
  type EventTimeOptions,
  env,
  type Guarantee,
  type JobOptions,
  type Restart,
  schema,
  t,
} from "millrace";

export const Trade = schema({
  account: t.string(),
  price: t.int64(),
  venue: t.string(),
  at: t.timestamp("ms"),
});

export const brokers = env("BROKERS");
export const commitInterval = env("COMMIT_INTERVAL", "200ms") as Duration;
export const parallelism = Number(env("PARALLELISM", "2"));

/** Whether the source ends with what is there at the start. */
export const until = env("UNTIL", "") === "latest" ? { until: "latest" as const } : {};

/** How event time goes on in the jobs with windows. */
export const timing: EventTimeOptions = {
  outOfOrderness: "1s",
  idleTimeout: env("IDLE_TIMEOUT", "2s") as Duration,
  whenIdle: env("WHEN_IDLE", "wait") as "wait" | "advance",
  ...(env("MAX_DRIFT", "") === "" ? {} : { maxDrift: env("MAX_DRIFT") as Duration }),
};

/** None, unless the test wants some. */
export const restart: Restart =
  env("RESTARTS", "") === "" ? "never" : { attempts: Number(env("RESTARTS")), delay: "100ms", maxDelay: "1s" };

/** With a storage for checkpoints the job is exactly-once, or what GUARANTEE says. */
export const recovery: JobOptions =
  env("CHECKPOINTS", "") === ""
    ? {}
    : {
        guarantee: env("GUARANTEE", "exactly-once") as Guarantee,
        checkpoints: { storage: env("CHECKPOINTS") as CheckpointStorage, interval: "200ms" },
        state: { backend: env("BACKEND", "rocksdb") as "rocksdb" | "fs", directory: env("STATE") },
        restart,
      };
