import { PlanError } from "../errors.js";
import { type CheckpointConfig, type CheckpointOptions, checkpointConfig } from "./checkpoints.js";
import { type Restart, type RestartPolicy, restartPolicy } from "./restart.js";
import { checkWithoutCheckpoints, type StateConfig, type StateOptions, stateConfig } from "./state.js";

/**
 * What a failure may do to results: write some again with the same values, nothing that a reader of committed results
 * could see, or leave some out.
 *
 * ```ts
 * import { type Guarantee, json, kafka, job, schema, t } from "millrace";
 * const guarantee: Guarantee = "exactly-once";
 * const brokers = "localhost:9092";
 * const Order = schema({ id: t.string() });
 * export default job(
 *   "orders",
 *   (j) =>
 *     j.source(kafka({ topic: "in", brokers, format: json(Order) })).to(kafka({ topic: "out", brokers, format: json() })),
 *   { guarantee },
 * );
 * ```
 */
export type Guarantee = "at-least-once" | "exactly-once" | "at-most-once";

const GUARANTEES: readonly unknown[] = ["at-least-once", "exactly-once", "at-most-once"] satisfies Guarantee[];

/**
 * What is to become of a job, its state and its results when something fails.
 *
 * ```ts
 * import { generator, job, json, kafka, type RecoveryOptions } from "millrace";
 * const recovery: RecoveryOptions = {
 *   checkpoints: { storage: "s3://state/millrace", interval: "30s" },
 *   state: { memoryBudget: "400MB" },
 *   restart: { attempts: 5 },
 * };
 * const bids = kafka({ topic: "bids", brokers: "localhost:9092", format: json() });
 * export default job("bids", (j) => j.source(generator.bids()).to(bids), recovery);
 * ```
 */
export interface RecoveryOptions {
  /** "at-least-once" by default. */
  readonly guarantee?: Guarantee;
  /** Without them, state is rebuilt from the sources. */
  readonly checkpoints?: CheckpointOptions;
  readonly state?: StateOptions;
  /** By default up to 10 restarts with checkpoints or exactly-once, and "never" without. */
  readonly restart?: Restart;
}

/**
 * What a job does about failures: its options, checked, with what they leave out filled in.
 *
 * ```ts
 * import type { Job, Recovery } from "millrace";
 * const told = ({ guarantee, restart }: Recovery) => `${guarantee}, ${restart?.attempts ?? 0} restarts`;
 * const describe = (job: Job) => `${job.name}: ${told(job.recovery)}`;
 * ```
 */
export interface Recovery {
  readonly guarantee: Guarantee;
  /** `undefined`: state is in memory only, and rebuilt from the sources. */
  readonly checkpoints: (CheckpointConfig & { readonly state: StateConfig }) | undefined;
  /** `undefined`: never. */
  readonly restart: RestartPolicy | undefined;
}

/** Checks what a job named `job` says of failures and fills in what it leaves out. */
export function recoveryOf(options: RecoveryOptions, job: string): Recovery {
  const { guarantee = "at-least-once", checkpoints, state = {} } = options;
  if (!GUARANTEES.includes(guarantee)) {
    const known = GUARANTEES.map((name) => JSON.stringify(name)).join(", ");
    throw new PlanError(`guarantee: ${JSON.stringify(guarantee)} is none of ${known}`);
  }
  if (checkpoints === undefined) checkWithoutCheckpoints(state);
  // What can go on without loss is worth another start; what would begin anew asks for it.
  const recovers = checkpoints !== undefined || guarantee === "exactly-once";
  return {
    guarantee,
    checkpoints: checkpoints && { ...checkpointConfig(checkpoints), state: stateConfig(state, job) },
    restart: restartPolicy(options.restart ?? (recovers ? {} : "never")),
  };
}
