import type { PlanNode } from "./node.js";

/** A warning of state that a change of the job would lose sight of; none where every step with state has its own id. */
export function derivedIds(nodes: readonly PlanNode[]): string[] {
  const derived = nodes.filter(({ step, hasOwnId }) => step.kind === "window" && !hasOwnId);
  if (derived.length === 0) return [];
  const names = derived.map(({ name }) => name).join(", ");
  const ids = derived.map(({ id }) => `"${id}"`).join(", ");
  const found = derived.length === 1 ? `its state goes by ${ids}, an id` : `their state goes by ${ids}, ids`;
  const change = derived.length === 1 ? "changes" : "change";
  return [
    `${names}: ${found} that ${change} with the steps before. ` +
      'An .id("...") behind the step keeps the state through changes of the job.',
  ];
}
