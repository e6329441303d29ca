import type { Field } from "../schema/type.js";
import { columnsIn } from "../stream/step.js";
import type { NamedValue, PlanNode } from "./node.js";

/**
 * The same steps with only the columns that are needed downstream: what no step reads is not decoded. Sinks and user
 * functions need all columns of their input.
 */
export function prune(nodes: readonly PlanNode[]): PlanNode[] {
  const needed = new Map<PlanNode, Set<string>>(nodes.map((node) => [node, new Set<string>()]));
  for (const node of [...nodes].reverse()) {
    const own = needed.get(node) as Set<string>;
    // The inputs of a union stay alike, and rows without any column could not be counted.
    if (node.step.kind === "union") all(node, own);
    if (own.size === 0) own.add((node.fields[0] as Field).name);
    for (const input of node.inputs) {
      for (const column of readOf(node, own, input)) needed.get(input)?.add(column);
    }
  }
  const pruned = new Map<PlanNode, PlanNode>();
  for (const node of nodes) {
    const inputs = node.inputs.map((input) => pruned.get(input) as PlanNode);
    pruned.set(node, withColumns(node, inputs, needed.get(node) as Set<string>));
  }
  return [...pruned.values()];
}

function all(node: PlanNode, columns: Set<string>): void {
  for (const field of node.fields) columns.add(field.name);
}

/** The columns of an input that a step reads when `needed` are wanted of it. */
function readOf(node: PlanNode, needed: ReadonlySet<string>, input: PlanNode): string[] {
  const { step } = node;
  switch (step.kind) {
    case "filter":
      return [...needed, ...columnsIn(step.predicate)];
    case "select":
      return step.columns.filter(({ name }) => needed.has(name)).flatMap(({ value }) => columnsIn(value));
    case "window":
      return [...step.keys.map(({ value }) => value), ...step.aggregates].flatMap(columnsIn);
    case "deduplicate":
      return [...needed, ...step.keys.flatMap(({ value }) => columnsIn(value))];
    case "union":
      return [...needed];
    case "join":
    case "lookup": {
      // What is broadcast is kept whole: what is stored of it does not hang on what the job reads of it today.
      if (input !== node.inputs[0]) return input.fields.map((field) => field.name);
      const columns = step.output.filter(({ name }) => needed.has(name));
      const own = new Set(input.fields.map((field) => field.name));
      return [...step.on, ...columns].flatMap(({ value }) => columnsIn(value)).filter((name) => own.has(name));
    }
    default:
      return node.inputs.flatMap((input) => input.fields.map((field) => field.name));
  }
}

function withColumns(node: PlanNode, inputs: readonly PlanNode[], needed: ReadonlySet<string>): PlanNode {
  const { step } = node;
  const keep = (wanted: ReadonlySet<string>) => node.fields.filter((field) => wanted.has(field.name));
  const made = (values: readonly NamedValue[]) => values.filter(({ name }) => needed.has(name));
  switch (step.kind) {
    case "source": {
      const time = step.eventTime?.value;
      return { ...node, fields: keep(new Set([...needed, ...(time === undefined ? [] : columnsIn(time))])) };
    }
    case "select":
      return { ...node, inputs, fields: keep(needed), step: { ...step, columns: made(step.columns) } };
    case "join":
      return { ...node, inputs, fields: keep(needed), step: { ...step, output: made(step.output) } };
    case "lookup": {
      const output = made(step.output);
      const read = new Set(output.flatMap(({ value }) => columnsIn(value)));
      const columns = step.columns.filter(({ name }) => read.has(`$${name}`));
      // A table without any column could not say whether it has a row.
      const asked = columns.length > 0 ? columns : step.columns.slice(0, 1);
      return { ...node, inputs, fields: keep(needed), step: { ...step, output, columns: asked } };
    }
    case "filter":
    case "deduplicate":
    case "sink":
    case "union":
      return { ...node, inputs, fields: (inputs[0] as PlanNode).fields };
    default:
      return { ...node, inputs };
  }
}
