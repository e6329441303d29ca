import type { DriverConfig, DriverSinkConfig } from "../connectors/driver.js";
import type { HttpSinkConfig } from "../connectors/http.js";
import type { Secrets } from "../connectors/secret.js";
import { PlanError } from "../errors.js";
import type { Value } from "../expr/value.js";
import type { FormatConfig } from "../formats/config.js";
import type { GeneratorKind, KafkaStart } from "../generated/millrace/plan.js";
import type { Schema } from "../schema/schema.js";
import type { Field } from "../schema/type.js";
import type { Join } from "../stream/join.js";
import type { LookupJoin } from "../stream/lookup-join.js";
import type { Ttl } from "../stream/ttl.js";

/** An expression and the name of its column. */
export interface NamedValue {
  readonly name: string;
  readonly value: Value;
}

export type SourceConfig =
  | {
      readonly kind: "kafka";
      readonly topics: readonly string[];
      readonly pattern: string | undefined;
      readonly start: KafkaStart;
      readonly startTimestamp: number;
      readonly fallback: KafkaStart;
      readonly untilLatest: boolean;
      readonly properties: Readonly<Record<string, string>>;
      readonly secrets: Secrets;
    }
  | { readonly kind: "files"; readonly paths: readonly string[]; readonly follow: boolean }
  | {
      readonly kind: "generator";
      readonly events: GeneratorKind;
      readonly seed: number;
      readonly rate: number;
      readonly count: number;
      readonly startTime: number;
      readonly eventsPerSecond: number;
      readonly outOfOrderness: number;
      readonly keys: number;
    }
  | DriverConfig;

export type SinkConfig =
  | {
      readonly kind: "kafka";
      readonly topic: string;
      readonly properties: Readonly<Record<string, string>>;
      readonly secrets: Secrets;
    }
  | {
      readonly kind: "files";
      readonly directory: string;
      readonly prefix: string;
      readonly compression: "" | "gz" | "zst";
      readonly rollBytes: number;
      readonly rollInterval: number;
      readonly openFiles: number;
    }
  | HttpSinkConfig
  | DriverSinkConfig
  | { readonly kind: "stdout" }
  | { readonly kind: "table"; readonly title: string };

export type BadRecordPolicy = "fail" | "skip" | DeadLetterPolicy;

export interface DeadLetterPolicy {
  readonly deadLetter: SinkConfig;
  readonly format?: FormatConfig | undefined;
}

/** Times in milliseconds; 0 turns the timeout or the alignment off. */
export interface EventTimeConfig {
  /** `undefined`: the record's own timestamp. */
  readonly value: Value | undefined;
  readonly outOfOrderness: number;
  readonly idleTimeout: number;
  readonly idleAdvance: boolean;
  readonly maxDrift: number;
}

/** Milliseconds; a tumbling window slides by its size. */
export interface WindowConfig {
  readonly size: number;
  readonly slide: number;
  readonly offset: number;
}

/**
 * A function of the user's, as the worker runs it.
 *
 * ```ts
 * import type { Job, UserFunction } from "millrace";
 * const told = ({ kind, output }: UserFunction) => `${kind} gives ${output.fields.map((field) => field.name).join(", ")}`;
 * const functionsOf = (job: Job) => job.functions.map(told);
 * ```
 */
export interface UserFunction {
  readonly kind: "map" | "flatMap" | "mapBatch";
  readonly fn: (input: never) => unknown;
  readonly input: Schema;
  readonly output: Schema;
  /** The step's name, for errors. */
  readonly step: string;
  /** Where the job file makes the step: "bids.ts:12". */
  readonly place?: string | undefined;
}

export type NodeKind =
  | {
      readonly kind: "source";
      readonly config: SourceConfig;
      readonly declared: readonly Field[];
      readonly onBadRecord: BadRecordPolicy;
      readonly format?: FormatConfig | undefined;
      eventTime: EventTimeConfig | undefined;
    }
  | { readonly kind: "filter"; readonly predicate: Value }
  | { readonly kind: "select"; readonly columns: readonly NamedValue[] }
  | { readonly kind: "union" }
  | {
      readonly kind: "window";
      readonly keys: readonly NamedValue[];
      readonly window: WindowConfig;
      readonly aggregates: readonly Value[];
      readonly output: readonly NamedValue[];
    }
  | { readonly kind: "deduplicate"; readonly keys: readonly NamedValue[]; readonly ttl: Ttl | undefined }
  | Join
  | LookupJoin
  | { readonly kind: "function"; readonly number: number; readonly function: UserFunction }
  | {
      readonly kind: "sink";
      readonly config: SinkConfig;
      readonly format?: FormatConfig | undefined;
      readonly key: Value | undefined;
      readonly headers: readonly NamedValue[];
      readonly partitionBy: readonly NamedValue[];
      readonly tombstone: Value | undefined;
      readonly onBadRecord: BadRecordPolicy;
    };

/** A step of a job. */
export interface PlanNode {
  readonly name: string;
  readonly inputs: readonly PlanNode[];
  /** The rows that leave it; those that come to it, for a sink. */
  readonly fields: readonly Field[];
  readonly step: NodeKind;
  /** By which state is found again: the user's, or made by `Graph` from the steps of its kind before it. */
  id: string;
  /** Whether `id` is the user's, and so the same when the job around the step has changed. */
  hasOwnId: boolean;
}

/** Whether a step keeps state. */
export function keepsState({ step }: PlanNode): boolean {
  return step.kind === "window" || step.kind === "deduplicate" || step.kind === "join";
}

/** Gives a step an id of the user's. */
export function nameStep(node: PlanNode, id: string): void {
  if (typeof id !== "string" || id === "") throw new PlanError("an id is a text that is not empty", node.name);
  node.id = id;
  node.hasOwnId = true;
}

/** The steps of a job, in the order in which they were made: inputs come first. */
export class Graph {
  readonly nodes: PlanNode[] = [];
  readonly functions: UserFunction[] = [];
  readonly #ordinals = new Map<string, number>();

  constructor(readonly job: string) {}

  add(name: string, inputs: readonly PlanNode[], fields: readonly Field[], step: NodeKind): PlanNode {
    const kind = step.kind === "function" ? step.function.kind : step.kind;
    const ordinal = (this.#ordinals.get(kind) ?? 0) + 1;
    this.#ordinals.set(kind, ordinal);
    const node: PlanNode = { name, inputs, fields, step, id: `${kind}-${ordinal}`, hasOwnId: false };
    this.nodes.push(node);
    return node;
  }
}
