import type { AggregateFunction, Function as ExprFunction } from "../generated/millrace/plan.js";

/** The functions of expressions, by their names in plan.fbs. */
export type FunctionName = keyof typeof ExprFunction;

/** The aggregates, by their names in plan.fbs. */
export type AggregateName = keyof typeof AggregateFunction;
