import { type ErrorCode, MillraceError, PlanError } from "millrace";

const BY_CODE: Record<ErrorCode, number> = {
  INTERNAL: 1,
  PLAN: 2,
  BAD_RECORD: 3,
  SOURCE: 4,
  SINK: 5,
  FUNCTION: 6,
  EXPRESSION: 6,
  STATE: 7,
  TAKEN_OVER: 8,
};

/** The exit code of `millrace run` after an error. */
export function exitCode(error: MillraceError): number {
  return BY_CODE[error.code];
}

/** What the user reads of an error. */
export function report(error: MillraceError): string {
  const detail = detailOf(error);
  return [`${error.name}: ${error.message}`, ...(detail === undefined ? [] : [detail])].join("\n");
}

/** The stack, where the error is one of the user's code or a defect. */
export function detailOf(error: MillraceError): string | undefined {
  if (error.code !== "FUNCTION" && error.code !== "INTERNAL") return undefined;
  const { cause } = error;
  return cause instanceof Error ? cause.stack : typeof cause === "string" ? cause : undefined;
}

/** A job file that throws while it is imported is the user's code: its stack says where. */
export function asLoadError(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new PlanError(`the job file failed: ${stack}`);
}
