import type { LookupConfig } from "../connectors/driver.js";
import type { NamedValue, PlanNode } from "../plan/node.js";
import type { Job } from "../stream/job.js";
import type { Ttl } from "../stream/ttl.js";
import { formula } from "./format.js";
import { recoveryLines } from "./recovery.js";

/**
 * What `explain` goes by.
 *
 * ```ts
 * import { type ExplainOptions, explain, generator, job, table } from "millrace";
 * const ids: ExplainOptions = { parallelism: 2, below: ({ fields }) => [`${fields.length} columns`] };
 * console.log(explain(job("all", (j) => j.source(generator.bids()).to(table())), ids));
 * ```
 */
export interface ExplainOptions {
  /** Goes before the job's own. */
  readonly parallelism?: number;
  /** The lines below each step, in place of those that tell what it reads, keeps and computes. */
  readonly below?: (step: PlanNode) => readonly string[];
}

/**
 * Draws a job: what it promises, its steps from the sources down, whether they run in the core or in JavaScript, and
 * what each of them reads, keeps and computes.
 *
 * ```ts
 * import { explain, generator, job, json, stdout } from "millrace";
 * console.log(explain(job("all", (j) => j.source(generator.bids()).to(stdout({ format: json() })))));
 * ```
 */
export function explain(job: Job, options: ExplainOptions = {}): string {
  const { steps } = job;
  const parallelism = options.parallelism ?? job.options.parallelism;
  const slots =
    parallelism === undefined ? "a slot for each core" : `${parallelism} ${parallelism === 1 ? "slot" : "slots"}`;
  const groups = job.options.maxParallelism ?? 128;
  const [promise, ...below] = recoveryLines(job);
  const head = [`job "${job.name}" · ${slots} · ${groups} key groups · ${promise}`, ...below];
  const sources = steps.filter((node) => node.inputs.length === 0);
  const drawing = { steps, below: options.below ?? details, drawn: new Set<PlanNode>() };
  return [...head, ...sources.flatMap((source) => ["", ...draw(source, drawing, "", "")])].join("\n");
}

interface Drawing {
  readonly steps: readonly PlanNode[];
  readonly below: (step: PlanNode) => readonly string[];
  readonly drawn: Set<PlanNode>;
}

function draw(node: PlanNode, drawing: Drawing, first: string, rest: string): string[] {
  const { steps, below, drawn } = drawing;
  if (drawn.has(node)) return [`${first}↑ ${node.name}  [${node.id}]`];
  drawn.add(node);
  const consumers = steps.filter((candidate) => candidate.inputs.includes(node));
  const rail = consumers.length > 0 ? `${rest}│   ` : `${rest}    `;
  const where = node.step.kind === "function" ? "JavaScript" : "native";
  const lines = [`${first}${node.name}  [${node.id}]  ${where}`, ...below(node).map((line) => `${rail}${line}`)];
  consumers.forEach((consumer, index) => {
    const isLast = index === consumers.length - 1;
    // A chain goes straight down; only a branch moves to the right.
    const single = consumers.length === 1;
    lines.push(
      ...draw(consumer, drawing, `${rest}${isLast ? "└─" : "├─"} `, `${rest}${single || isLast ? "   " : "│  "}`),
    );
  });
  return lines;
}

function details(node: PlanNode): string[] {
  const { step } = node;
  switch (step.kind) {
    case "source": {
      const read = `reads ${node.fields.length} of ${step.declared.length} columns: ${names(node)}`;
      return [read, ...eventTime(step.eventTime), ...badRecords(step.onBadRecord)];
    }
    case "filter":
      return [`where ${formula(step.predicate)}`];
    case "select":
      return step.columns.map(({ name, value }) => `${name} = ${formula(value)}`);
    case "union":
      return [];
    case "window":
      return [
        key(step.keys),
        ...step.output
          .map(({ name, value }) => ({ name, text: formula(value, step.aggregates) }))
          .flatMap(({ name, text }) => (name === text ? [] : [`${name} = ${text}`])),
        "each slot adds up what it reads, then an exchange by key group",
      ];
    case "deduplicate":
      return [key(step.keys), `keeps each key ${lifetime(step.ttl)}`, "an exchange by key group"];
    case "join":
      return [
        `where ${step.on.map(({ value }, index) => `${formula(value)} = table ${step.keys[index]?.name}`).join(" and ")}`,
        ...step.output.map(({ name, value }) => `${name} = ${formula(value)}`),
        `every slot has the last row of each ${step.keys.map(({ name }) => name).join(", ")} of ${node.inputs[1]?.name}`,
      ];
    case "lookup":
      return [
        `where ${step.on.map(({ name, value }) => `${formula(value)} = ${name}`).join(" and ")}`,
        ...step.output.map(({ name, value }) => `${name} = ${formula(value)}`),
        `asks for ${step.columns.map(({ name }) => name).join(", ")}; ${kept(step.lookup)}`,
      ];
    case "function":
      return [`gives ${names(node)}`];
    case "sink":
      return [
        ...spread(step),
        ...(step.key === undefined ? [] : [`key ${formula(step.key)}`]),
        ...step.headers.map(({ name, value }) => `header ${name} = ${formula(value)}`),
        ...step.partitionBy.map(({ name, value }) => `folder ${name} = ${formula(value)}`),
        ...(step.tombstone === undefined ? [] : [`no value where ${formula(step.tombstone)}`]),
        ...badRecords(step.onBadRecord, "rows that are refused"),
      ];
  }
}

/** How rows come to several endpoints. */
function spread({ config, key }: Extract<PlanNode["step"], { kind: "sink" }>): string[] {
  if (config.kind !== "http") return [];
  const way = key === undefined ? "a batch to each by turns" : "by the key";
  if (config.live !== undefined) return [`endpoints of ${config.live.file}, ${way}`];
  if (config.endpoints.length < 2) return [];
  return [`${config.endpoints.length} endpoints, ${way}`];
}

function key(keys: readonly NamedValue[]): string {
  const columns = keys.map(({ name, value }) => (formula(value) === name ? name : `${name} = ${formula(value)}`));
  return `key ${columns.join(", ")}`;
}

function lifetime(ttl: Ttl | undefined): string {
  if (ttl === undefined) return "for ever";
  return `${ttl.duration} after ${ttl.update === "onWrite" ? "its first row" : "its last row"}`;
}

function kept({ cacheRows, cacheTtl }: LookupConfig): string {
  if (cacheRows === 0) return "nothing of it is kept";
  const rows = `${cacheRows.toLocaleString("en")} rows of it are kept`;
  return cacheTtl === 0 ? rows : `${rows}, for ${cacheTtl / 1000} s`;
}

function names(node: PlanNode): string {
  return node.fields.map((field) => field.name).join(", ");
}

type SourceStep = Extract<PlanNode["step"], { kind: "source" }>;

function eventTime(time: SourceStep["eventTime"]): string[] {
  if (time === undefined) return [];
  const idle =
    time.idleTimeout === 0 ? "none" : `${time.idleTimeout} ms${time.idleAdvance ? ", then by the clock" : ""}`;
  const drift = time.maxDrift === 0 ? "" : `, drift at most ${time.maxDrift} ms`;
  const by = time.value === undefined ? "the record's timestamp" : formula(time.value);
  return [`event time ${by}, out of order by ${time.outOfOrderness} ms, idle timeout ${idle}${drift}`];
}

function badRecords(policy: SourceStep["onBadRecord"], what = "bad records"): string[] {
  if (policy === "fail") return [];
  return [policy === "skip" ? `${what} are skipped` : `${what} go to ${policy.deadLetter.kind}`];
}
