// Rows from one connector to another. SOURCE and SINK name their files in test/connectors.
import { type CheckpointStorage, type Duration, deadLetter, env, files, type Guarantee, job, json } from "millrace";
import type { Connector, Settings } from "./connector.js";

async function connector(name: string): Promise<Connector> {
  return ((await import(`../connectors/${name}.ts`)) as { default: Connector }).default;
}

const { source } = await connector(env("SOURCE"));
const { sink } = await connector(env("SINK"));
if (source === undefined || sink === undefined) throw new Error(`${env("SOURCE")} to ${env("SINK")}: not both`);

const settings = (policy: string): Settings => ({
  env,
  onBadRecord:
    policy === "deadLetter"
      ? deadLetter(files({ directory: env("DEAD"), format: json(), rollInterval: "100ms" }))
      : (policy as "fail" | "skip"),
});
const restarts = Number(env("RESTARTS", "0"));

export default job(
  env("JOB"),
  (j) =>
    source
      .from(j, settings(env("ON_BAD_RECORD", "fail")))
      .id("rows")
      .to(sink.to(settings(env("ON_REFUSED_ROW", "fail")))),
  {
    parallelism: 2,
    guarantee: env("GUARANTEE") as Guarantee,
    checkpoints: {
      storage: `file:${env("STATE")}/checkpoints` as CheckpointStorage,
      interval: env("INTERVAL") as Duration,
    },
    state: { directory: `${env("STATE")}/state` },
    restart: restarts === 0 ? "never" : { attempts: restarts, delay: "100ms", maxDelay: "1s" },
  },
);
