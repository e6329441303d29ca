import { errorFromCode, InternalError, MillraceError } from "millrace";

/** An error on its way between threads, where classes are lost. */
export interface PlainError {
  readonly code: string;
  readonly message: string;
  readonly step?: string | undefined;
  /** The stack of what went wrong in the user's code, or of a defect. */
  readonly detail?: string | undefined;
}

/** The one place where errors of the core, and whatever else is thrown, become what crosses threads. */
export function toPlain(error: unknown, cause?: unknown): PlainError {
  const detail = cause instanceof Error ? cause.stack : cause === undefined ? undefined : String(cause);
  if (error instanceof MillraceError) {
    const { code, step } = error;
    const message = step === undefined ? error.message : error.message.slice(step.length + 2);
    return { code, message, step, detail: detail ?? causeOf(error) };
  }
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    const step = "step" in error && typeof error.step === "string" ? error.step : undefined;
    return { code: error.code, message: error.message, step, detail };
  }
  return { code: "INTERNAL", message: error instanceof Error ? error.message : String(error), detail: stackOf(error) };
}

/** The error of Millrace's own that the user sees. */
export function fromPlain({ code, message, step, detail }: PlainError): MillraceError {
  return errorFromCode(code, message, step, detail);
}

/** Any error as one of Millrace's. */
export function asMillraceError(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  if (error instanceof Error && "code" in error && typeof error.code === "string") return fromPlain(toPlain(error));
  const message = error instanceof Error ? error.message : String(error);
  return new InternalError(message, undefined, { cause: stackOf(error) });
}

function causeOf(error: Error): string | undefined {
  return error.cause instanceof Error ? error.cause.stack : undefined;
}

function stackOf(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : undefined;
}
