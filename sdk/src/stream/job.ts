import type { Source } from "../connectors/connector.js";
import type { Secret } from "../connectors/secret.js";
import { type Duration, milliseconds } from "../duration.js";
import { PlanError } from "../errors.js";
import { derivedIds } from "../plan/derived-ids.js";
import { Graph, type PlanNode, type UserFunction } from "../plan/node.js";
import { prune } from "../plan/prune.js";
import { writePlan } from "../plan/write.js";
import { type Recovery, type RecoveryOptions, recoveryOf } from "../recovery/recovery.js";
import type { Shape } from "../schema/type.js";
import { type SourceStream, sourceStream } from "./stream.js";

/**
 * How a job runs, where its defaults do not do.
 *
 * ```ts
 * import { generator, type JobOptions, job, table } from "millrace";
 * const options: JobOptions = { parallelism: 2, commitInterval: "5s" };
 * export default job("bids", (j) => j.source(generator.bids()).to(table()), options);
 * ```
 */
export interface JobOptions extends RecoveryOptions {
  /** Slots, a thread each; as many as the machine has cores by default. */
  readonly parallelism?: number;
  /** Key groups: the most slots that the job can ever have. 128 by default. */
  readonly maxParallelism?: number;
  /** How often results and positions are committed: "1s" by default. With checkpoints, each of them commits instead. */
  readonly commitInterval?: Duration;
}

/** What a run adds to the plan, or puts in the place of what the job says. */
export interface PlanOverrides {
  readonly parallelism?: number;
  /** The numbers that the schemas of sinks have in their registries, by the step's id. */
  readonly schemaIds?: ReadonlyMap<string, number> | undefined;
  /** Gives the text of a step's secret, by the name that it has in its connector. Without it the plan has names alone. */
  readonly readSecret?: ((secret: Secret, name: string, step: PlanNode) => string) | undefined;
}

/**
 * What a job is built with.
 *
 * ```ts
 * import { generator, type JobBuilder, job, table } from "millrace";
 * const bids = (j: JobBuilder) => j.source(generator.bids({ count: 10 })).eventTime((bid) => bid.dateTime);
 * export default job("bids", (j) => bids(j).to(table()));
 * ```
 */
export interface JobBuilder {
  source<S extends Shape>(source: Source<S>): SourceStream<S>;
}

/**
 * A job: a plan, and the functions that it calls.
 *
 * ```ts
 * import { generator, type Job, job, table } from "millrace";
 * const bids: Job = job("bids", (j) => j.source(generator.bids()).to(table()));
 * console.log(bids.steps.map((step) => step.name));
 * ```
 */
export class Job {
  /** What it does about failures. */
  readonly recovery: Recovery;

  constructor(
    readonly name: string,
    readonly options: JobOptions,
    private readonly graph: Graph,
  ) {
    this.recovery = recoveryOf(options, name);
  }

  /** The functions of the user's, in the order in which the job made them. */
  get functions(): readonly UserFunction[] {
    return this.graph.functions;
  }

  /** The steps, each with the columns that are needed of it. */
  get steps(): readonly PlanNode[] {
    return prune(this.graph.nodes);
  }

  /** What is allowed and may be regretted, in words for the user. */
  get warnings(): readonly string[] {
    return this.recovery.checkpoints === undefined ? [] : derivedIds(this.graph.nodes);
  }

  /** The plan as the core reads it. */
  toPlan(overrides: PlanOverrides = {}): Uint8Array {
    return writePlan(this.name, this.steps, {
      parallelism: overrides.parallelism ?? this.options.parallelism ?? 0,
      maxParallelism: this.options.maxParallelism ?? 128,
      commitInterval: milliseconds(this.options.commitInterval ?? "1s", "commitInterval"),
      recovery: this.recovery,
      schemaIds: overrides.schemaIds,
      readSecret: overrides.readSecret,
    });
  }
}

/**
 * Defines a job. `build` runs once and describes it; nothing is read or written.
 *
 * ```ts
 * import { count, generator, job, json, stdout, tumbling } from "millrace";
 * export default job(
 *   "bids-by-channel",
 *   (j) =>
 *     j
 *       .source(generator.bids({ count: 100_000 }))
 *       .eventTime((bid) => bid.dateTime)
 *       .keyBy((bid) => bid.channel)
 *       .window(tumbling("1s"))
 *       .aggregate((_, w) => ({ start: w.start, bids: count() }))
 *       .to(stdout({ format: json() })),
 *   { parallelism: 2 },
 * );
 * ```
 *
 * @throws PlanError that names the step and the column
 */
export function job(name: string, build: (j: JobBuilder) => unknown, options: JobOptions = {}): Job {
  if (typeof name !== "string" || name === "") throw new PlanError("a job has a name");
  const graph = new Graph(name);
  build({ source: (source) => sourceStream(graph, source) });
  check(graph.nodes, name);
  return new Job(name, options, graph);
}

function check(nodes: readonly PlanNode[], job: string): void {
  if (nodes.length === 0) throw new PlanError(`job "${job}" has no source: begin with j.source(...)`);
  const used = new Set(nodes.flatMap((node) => node.inputs));
  const ids = new Set<string>();
  for (const node of nodes) {
    if (node.step.kind !== "sink" && !used.has(node))
      throw new PlanError("its rows go nowhere: end with .to(...)", node.name);
    if (ids.has(node.id)) throw new PlanError(`id "${node.id}" is there twice`, node.name);
    ids.add(node.id);
  }
}
