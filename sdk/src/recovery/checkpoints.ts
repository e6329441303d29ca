import { type Duration, milliseconds } from "../duration.js";
import { PlanError } from "../errors.js";
import { atLeast, positive } from "./bounds.js";

/**
 * Where checkpoints are written: a folder of this machine, an S3 bucket, or HDFS by its WebHDFS address. A job has a
 * folder of its own below it.
 *
 * ```ts
 * import { type CheckpointStorage, env } from "millrace";
 * const storage: CheckpointStorage = env("NODE_ENV", "") === "production" ? "s3://state/millrace" : "file:.millrace/checkpoints";
 * ```
 */
export type CheckpointStorage = `file:${string}` | `s3://${string}/${string}` | `hdfs://${string}:${number}/${string}`;

/**
 * Where and how often the job's state is written, so that a restart goes on from it.
 *
 * ```ts
 * import { type CheckpointOptions, generator, job, table } from "millrace";
 * const checkpoints: CheckpointOptions = { storage: "s3://state/millrace", interval: "30s", retain: 3 };
 * export default job("bids", (j) => j.source(generator.bids()).to(table()), { checkpoints });
 * ```
 */
export interface CheckpointOptions {
  readonly storage: CheckpointStorage;
  /** From the begin of one checkpoint to that of the next: "10s" by default. */
  readonly interval?: Duration;
  /** At least so long from the end of one checkpoint to the begin of the next: "0s" by default. */
  readonly minPause?: Duration;
  /** A checkpoint that takes longer has failed: "10m" by default. */
  readonly timeout?: Duration;
  /** Checkpoints in a row that may fail before the job does: 0 by default. */
  readonly tolerableFailures?: number;
  /** Checkpoints that are kept: 2 by default. */
  readonly retain?: number;
}

/** Times in milliseconds. */
export interface CheckpointConfig {
  readonly storage: CheckpointStorage;
  readonly interval: number;
  readonly minPause: number;
  readonly timeout: number;
  readonly tolerableFailures: number;
  readonly retained: number;
}

/** Checks the options and fills in what they leave out. */
export function checkpointConfig(options: CheckpointOptions): CheckpointConfig {
  const { interval = "10s", minPause = "0s", timeout = "10m", tolerableFailures = 0, retain = 2 } = options;
  return {
    storage: known(options.storage),
    interval: positive(milliseconds(interval, "checkpoints.interval"), "checkpoints.interval"),
    minPause: milliseconds(minPause, "checkpoints.minPause"),
    timeout: positive(milliseconds(timeout, "checkpoints.timeout"), "checkpoints.timeout"),
    tolerableFailures: atLeast(0, tolerableFailures, "checkpoints.tolerableFailures"),
    retained: atLeast(1, retain, "checkpoints.retain"),
  };
}

const FORMS = [/^file:[^/]/, /^file:\/(?!\/)/, /^file:\/\/\//, /^s3:\/\/[^/?]+\//, /^hdfs:\/\/[^/:?]+:\d+\//];

function known(storage: CheckpointStorage): CheckpointStorage {
  // What follows two slashes is a host: a path there loses its first part.
  const path = /^file:\/\/([^/].*)$/.exec(storage)?.[1];
  if (path !== undefined) {
    throw new PlanError(
      `checkpoints.storage: "${storage}" names a host; give "file:${path}" for a folder below the working directory, ` +
        `"file:///${path}" for one below the root`,
    );
  }
  if (!FORMS.some((form) => form.test(storage))) {
    throw new PlanError(
      `checkpoints.storage: ${JSON.stringify(storage)} is not of the form "file:PATH", "s3://BUCKET/PATH" or ` +
        '"hdfs://HOST:PORT/PATH"',
    );
  }
  return storage;
}
