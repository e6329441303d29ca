/** What every error of Millrace has: a code, and the step of the job that it concerns. */
export class MillraceError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    /** The step's name, as `explain` shows it. */
    readonly step?: string,
    options?: ErrorOptions,
  ) {
    super(step === undefined ? message : `${step}: ${message}`, options);
    this.name = new.target.name;
  }
}

/** The codes that errors of the core carry. */
export type ErrorCode = "PLAN" | "SOURCE" | "BAD_RECORD" | "SINK" | "EXPRESSION" | "FUNCTION" | "INTERNAL";

/** The job is wrong: a column that is not there, types that do not go together, a step in the wrong place. */
export class PlanError extends MillraceError {
  constructor(message: string, step?: string, options?: ErrorOptions) {
    super("PLAN", message, step, options);
  }
}

/** A source could not be opened or read. */
export class SourceError extends MillraceError {
  constructor(message: string, step?: string, options?: ErrorOptions) {
    super("SOURCE", message, step, options);
  }
}

/** A record could not be decoded, and the job is to fail on it. */
export class BadRecordError extends MillraceError {
  constructor(message: string, step?: string, options?: ErrorOptions) {
    super("BAD_RECORD", message, step, options);
  }
}

/** A sink could not be opened or written. */
export class SinkError extends MillraceError {
  constructor(message: string, step?: string, options?: ErrorOptions) {
    super("SINK", message, step, options);
  }
}

/** An expression failed on a value: an overflow, a division by zero, a cast. */
export class ExpressionError extends MillraceError {
  constructor(message: string, step?: string, options?: ErrorOptions) {
    super("EXPRESSION", message, step, options);
  }
}

/** A user function threw, or returned what its step does not allow. */
export class FunctionError extends MillraceError {
  constructor(message: string, step?: string, options?: ErrorOptions) {
    super("FUNCTION", message, step, options);
  }
}

/** A defect of Millrace itself. */
export class InternalError extends MillraceError {
  constructor(message: string, step?: string, options?: ErrorOptions) {
    super("INTERNAL", message, step, options);
  }
}

const CLASSES = {
  PLAN: PlanError,
  SOURCE: SourceError,
  BAD_RECORD: BadRecordError,
  SINK: SinkError,
  EXPRESSION: ExpressionError,
  FUNCTION: FunctionError,
  INTERNAL: InternalError,
} as const;

/** The error that a code of the core stands for; an unknown code is a defect. */
export function errorFromCode(code: string, message: string, step?: string, cause?: unknown): MillraceError {
  const Class = Object.hasOwn(CLASSES, code) ? CLASSES[code as ErrorCode] : InternalError;
  return new Class(message, step, cause === undefined ? undefined : { cause });
}
