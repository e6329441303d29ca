import type { AggregateFunction, Function } from "../generated/millrace/plan.js";

/** The functions of expressions, by their names in plan.fbs. */
export type FunctionName = keyof typeof Function;

/** The aggregates, by their names in plan.fbs. */
export type AggregateName = keyof typeof AggregateFunction;
