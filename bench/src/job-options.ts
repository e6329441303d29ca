import { type Duration, env, type JobOptions } from "millrace";

/** Exactly once with RocksDB and a checkpoint every INTERVAL (2 s) where CHECKPOINTS names a folder; else at least once. */
export function optionsOfEnv(): JobOptions {
  const folder = env("CHECKPOINTS", "");
  return folder === ""
    ? {}
    : {
        guarantee: "exactly-once",
        checkpoints: { storage: `file:${folder}/checkpoints`, interval: env("INTERVAL", "2s") as Duration },
        state: { directory: `${folder}/state` },
      };
}
