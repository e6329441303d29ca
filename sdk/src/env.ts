import { PlanError } from "./errors.js";

/**
 * The value of an environment variable, read when the job is built.
 *
 * ```ts
 * import { env } from "millrace";
 * const brokers = env("BROKERS", "localhost:9092");
 * ```
 *
 * @throws PlanError when it is not set and there is no `fallback`
 */
export function env(name: string, fallback?: string): string {
  const value = process.env[name] ?? fallback;
  if (value === undefined) throw new PlanError(`environment variable ${name} is not set, and the job needs it`);
  return value;
}
