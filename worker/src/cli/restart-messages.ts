import type { MillraceError } from "millrace";
import type { Attempt } from "../restart.js";
import { detailOf } from "./exit-code.js";
import { duration, number } from "./figures.js";

/** What is said of a restart to come, to people and to logs: "restarting in 2 s (attempt 3 of 10): ...". */
export function restarting(attempt: Attempt, error: MillraceError): [string, Readonly<Record<string, unknown>>] {
  const of = Number.isFinite(attempt.of) ? ` of ${number(attempt.of)}` : "";
  const delay = duration(attempt.delayMs).replace(".0 ", " ");
  const details = { code: error.code, step: error.step, detail: detailOf(error), attempt: attempt.number };
  return [`restarting in ${delay} (attempt ${number(attempt.number)}${of}): ${error.message}`, details];
}

/** What is said once no restart is left. */
export function exhausted(attempts: number): string {
  return `not restarting: ${number(attempts)} ${attempts === 1 ? "restart has" : "restarts in a row have"} failed`;
}
