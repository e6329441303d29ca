/**
 * What every error of Millrace has: a code, and the step of the job that it concerns.
 *
 * ```ts
 * import { MillraceError } from "millrace";
 * const report = (error: unknown) => {
 *   if (error instanceof MillraceError) console.error(error.code, error.step, error.message);
 * };
 * ```
 */
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

/**
 * The codes that errors of the core carry.
 *
 * ```ts
 * import type { ErrorCode } from "millrace";
 * const ofTheJob: readonly ErrorCode[] = ["PLAN", "EXPRESSION", "FUNCTION"];
 * ```
 */
export type ErrorCode =
  | "PLAN"
  | "SOURCE"
  | "BAD_RECORD"
  | "SINK"
  | "STATE"
  | "TAKEN_OVER"
  | "EXPRESSION"
  | "FUNCTION"
  | "INTERNAL";

/**
 * The job is wrong: a column that is not there, types that do not go together, a step in the wrong place.
 *
 * ```ts
 * import { job, PlanError } from "millrace";
 * try {
 *   job("without a source", () => {});
 * } catch (error) {
 *   if (error instanceof PlanError) console.error(error.message);
 * }
 * ```
 */
export class PlanError extends MillraceError {
  constructor(message: string, step?: string, options?: ErrorOptions) {
    super("PLAN", message, step, options);
  }
}

/**
 * A source could not be opened or read.
 *
 * ```ts
 * import { SinkError, SourceError } from "millrace";
 * const mayPass = (error: unknown) => error instanceof SourceError || error instanceof SinkError;
 * ```
 */
export class SourceError extends MillraceError {
  constructor(message: string, step?: string, options?: ErrorOptions) {
    super("SOURCE", message, step, options);
  }
}

/**
 * A record could not be decoded, and the job is to fail on it.
 *
 * ```ts
 * import { BadRecordError } from "millrace";
 * const isOfTheData = (error: unknown) => error instanceof BadRecordError;
 * ```
 */
export class BadRecordError extends MillraceError {
  constructor(message: string, step?: string, options?: ErrorOptions) {
    super("BAD_RECORD", message, step, options);
  }
}

/**
 * A sink could not be opened or written.
 *
 * ```ts
 * import { SinkError, SourceError } from "millrace";
 * const mayPass = (error: unknown) => error instanceof SourceError || error instanceof SinkError;
 * ```
 */
export class SinkError extends MillraceError {
  constructor(message: string, step?: string, options?: ErrorOptions) {
    super("SINK", message, step, options);
  }
}

/**
 * State could not be kept, written to a checkpoint or restored from one.
 *
 * ```ts
 * import { StateError } from "millrace";
 * const isOfTheStorage = (error: unknown) => error instanceof StateError && error.message.includes("storage");
 * ```
 */
export class StateError extends MillraceError {
  constructor(message: string, step?: string, options?: ErrorOptions) {
    super("STATE", message, step, options);
  }
}

/**
 * Another worker of the job has begun, and this one has stopped. To start it again would stop the other one.
 *
 * ```ts
 * import { TakenOverError } from "millrace";
 * const isToBeStartedAgain = (error: unknown) => !(error instanceof TakenOverError);
 * ```
 */
export class TakenOverError extends MillraceError {
  constructor(message: string, step?: string, options?: ErrorOptions) {
    super("TAKEN_OVER", message, step, options);
  }
}

/**
 * An expression failed on a value: an overflow, a division by zero, a cast.
 *
 * ```ts
 * import { ExpressionError } from "millrace";
 * const stepOf = (error: unknown) => (error instanceof ExpressionError ? error.step : undefined);
 * ```
 */
export class ExpressionError extends MillraceError {
  constructor(message: string, step?: string, options?: ErrorOptions) {
    super("EXPRESSION", message, step, options);
  }
}

/**
 * A user function threw, or returned what its step does not allow.
 *
 * ```ts
 * import { FunctionError } from "millrace";
 * const stackOfYours = (error: unknown) => (error instanceof FunctionError ? error.cause : undefined);
 * ```
 */
export class FunctionError extends MillraceError {
  constructor(message: string, step?: string, options?: ErrorOptions) {
    super("FUNCTION", message, step, options);
  }
}

/**
 * A defect of Millrace itself.
 *
 * ```ts
 * import { InternalError } from "millrace";
 * const isToReport = (error: unknown) => error instanceof InternalError;
 * ```
 */
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
  STATE: StateError,
  TAKEN_OVER: TakenOverError,
  EXPRESSION: ExpressionError,
  FUNCTION: FunctionError,
  INTERNAL: InternalError,
} as const;

/**
 * The error that a code of the core stands for; an unknown code is a defect.
 *
 * ```ts
 * import { errorFromCode, SinkError } from "millrace";
 * const isSinkError = errorFromCode("SINK", "the broker is gone", "kafka(revenue)") instanceof SinkError;
 * ```
 */
export function errorFromCode(code: string, message: string, step?: string, cause?: unknown): MillraceError {
  const Class = Object.hasOwn(CLASSES, code) ? CLASSES[code as ErrorCode] : InternalError;
  return new Class(message, step, cause === undefined ? undefined : { cause });
}
