import type { Settings } from "./settings.js";

// What the driver throws is told apart by name: whoever asks may not have loaded it.
interface DriverFailure extends Error {
  readonly code?: number | string;
  readonly isSocketError?: boolean;
  readonly innerErrors?: Readonly<Record<string, unknown>>;
}

/** Answers of a node that another time are others: unavailable, overloaded, bootstrapping, timeouts and failures of replicas. */
const PASSING = new Set([0x0000, 0x1000, 0x1001, 0x1002, 0x1003, 0x1100, 0x1200, 0x1300, 0x1500]);
const INVALID = 0x2200;
const UNPREPARED = 0x2500;

/** Whether the same call may succeed at another time. */
export function mayPass(error: unknown): boolean {
  const { name, code, isSocketError } = causeOf(error);
  if (name === "ResponseError") return PASSING.has(Number(code));
  return isSocketError === true || MAY_PASS.includes(name);
}

const MAY_PASS = ["NoHostAvailableError", "OperationTimedOutError", "BusyConnectionError", "DriverInternalError"];

/** Whether a statement is refused for what is in it, now and at any time. */
export function isRefusal(error: unknown): error is Error {
  const { name, code } = error as DriverFailure;
  return name === "ResponseError" && code === INVALID;
}

/** Whether nodes do not know a statement that has been prepared: they were restarted, or its table is another one. */
export function isForgotten(error: unknown): boolean {
  const { innerErrors } = error as DriverFailure;
  return Object.values(innerErrors ?? {}).some((inner) => (inner as DriverFailure).code === UNPREPARED);
}

/**
 * The error as a user gets it: who it concerns and what may be done.
 *
 * @param refused why the last connection could not be made: nodes that are down are not asked, so what the driver throws does not say why
 */
export function told(who: string, error: unknown, refused?: Error): Error {
  return new Error(`${who}: ${reasonOf(error as DriverFailure, refused)}`, { cause: error });
}

/** Why there is no connection. */
export function unreachable(settings: Settings, error: unknown): Error {
  const { innerErrors } = error as DriverFailure;
  const points = settings.contactPoints.join(", ");
  const reason = reasonOf(error as DriverFailure);
  const inner = Object.values(innerErrors ?? {}) as DriverFailure[];
  if (inner.some(({ name }) => name === "AuthenticationError")) {
    const user = settings.auth === undefined ? "without a user" : `of "${settings.auth.username}"`;
    return new Error(`${points} refuses the login ${user}: ${reason}. Correct auth.`);
  }
  if (reason.includes("localDataCenter")) return new Error(`${reason}. Set localDataCenter to one of them.`);
  return new Error(`no connection to ${points}: ${reason}. Check contactPoints, tls, and that the nodes are up.`, {
    cause: error,
  });
}

function reasonOf({ name, message, innerErrors }: DriverFailure, refused?: Error): string {
  if (name !== "NoHostAvailableError") return message;
  const nodes = Object.entries(innerErrors ?? {});
  if (nodes.length === 0) return refused === undefined ? message : `no node is up: ${refused.message}`;
  const told = nodes.map(
    ([host, error]) => `${host}: ${error instanceof Error ? error.message.trim() : String(error)}`,
  );
  return `no node answers: ${told.slice(0, 3).join("; ")}`;
}

function causeOf(error: unknown): DriverFailure {
  const { cause } = error as Error;
  return (cause ?? error) as DriverFailure;
}
