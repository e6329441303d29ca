/** What has gone wrong at the server, told to whoever runs the job. */
export class MongoFailure extends Error {
  constructor(
    message: string,
    /** The same call may succeed at another time. */
    readonly mayPass: boolean,
    cause?: unknown,
  ) {
    super(message, { cause });
  }
}

export function mayPass(error: unknown): boolean {
  return error instanceof MongoFailure && error.mayPass;
}

/** What the driver's errors have, as far as it is looked at. */
interface DriverError {
  readonly name: string;
  readonly message: string;
  readonly code?: unknown;
  readonly codeName?: unknown;
  readonly errorLabels?: readonly string[];
}

const AUTHENTICATION_FAILED = 18;
const UNAUTHORIZED = 13;
const DUPLICATE_KEY = 11000;
const SHARD_KEY_NOT_FOUND = 61;
const ILLEGAL_OPERATION = 20;
const ATLAS = 8000;

/** Failures of a server, or of the way to it, by their codes: its members change roles, it is busy, or going down. */
const PASSING = new Set([
  6, 7, 24, 43, 46, 50, 63, 64, 89, 91, 112, 133, 134, 150, 175, 189, 202, 234, 237, 249, 262, 317, 462, 9001, 10107,
  11600, 11601, 11602, 13388, 13435, 13436, 14031,
]);

/** What concerns all rows: who is let in, and how the collection is set up. */
const OF_ALL_ROWS = new Set([
  UNAUTHORIZED,
  AUTHENTICATION_FAILED,
  ILLEGAL_OPERATION,
  26,
  SHARD_KEY_NOT_FOUND,
  166,
  ATLAS,
]);

/** Of errors that name no code: nothing was answered. A bulk write has a name of its own for it. */
const PASSING_NAMES =
  /^Mongo(BulkWrite|Network|NetworkTimeout|ServerSelection|NotConnected|PoolCleared\w*|WaitQueueTimeout|OperationTimeout)Error$/;

const PASSING_LABELS = ["RetryableWriteError", "RetryableReadError", "ResumableChangeStreamError"];

/** What to do about it, by code. */
const ADVICE: Readonly<Record<number, string>> = {
  [AUTHENTICATION_FAILED]: "Check the user, the password and the database that knows them (auth.source, authSource)",
  [UNAUTHORIZED]: "Give the user a role for the database, such as readWrite",
  [SHARD_KEY_NOT_FOUND]: "Name the columns of the collection's shard key as shardKey",
  [ILLEGAL_OPERATION]: "Where the server knows no retryable writes, add retryWrites=false to the URL",
  40573:
    'Changes are told by replica sets and sharded clusters only: make the server a replica set, or set read: "snapshot"',
  280: 'The changes behind its position cannot be read. Start the job without its checkpoint (--fresh), with start: "snapshot"',
  286:
    "The server's log does not reach back to where the job left off: what has changed since is lost to it. Start the job " +
    'without its checkpoint (--fresh), with start: "snapshot", and let the server keep a longer log (replSetResizeOplog)',
  260: 'The checkpoint belongs to another collection or cluster. Start the job without it, with start: "snapshot"',
};

/** Whether who has called is not let in, or not any more. */
export function isRefusedLogin(error: unknown): boolean {
  const { code } = asDriverError(error);
  return code === AUTHENTICATION_FAILED || code === UNAUTHORIZED;
}

/** `what` has failed; `secretsMayChange`: other ones may be let in later. */
export function failure(what: string, error: unknown, secretsMayChange = false): MongoFailure {
  if (error instanceof MongoFailure) return error;
  const { message, code, codeName } = asDriverError(error);
  const passes = isPassing(error) || (secretsMayChange && isRefusedLogin(error));
  const number = code === undefined ? "" : ` (${[code, codeName].filter((part) => part !== undefined).join(" ")})`;
  const advice = adviceOn(error);
  const text = message.replace(/\.$/, "");
  return new MongoFailure(`${what}: ${text}${number}${advice === "" ? "" : `. ${advice}`}.`, passes, error);
}

function adviceOn(error: unknown): string {
  const { name, code } = asDriverError(error);
  const known = code === undefined ? undefined : ADVICE[code];
  if (known !== undefined) return known;
  return name === "MongoServerSelectionError" ? "Check the url, tls, and whether the server is up" : "";
}

function isPassing(error: unknown): boolean {
  const { name, code, labels } = asDriverError(error);
  if (labels.some((label) => PASSING_LABELS.includes(label))) return true;
  return code === undefined ? PASSING_NAMES.test(name) : PASSING.has(code);
}

function asDriverError(error: unknown) {
  if (!(error instanceof Error)) return { name: "", message: String(error), labels: [] };
  const { name, message, code, codeName, errorLabels = [] } = error as DriverError;
  return {
    name,
    message,
    code: typeof code === "number" ? code : undefined,
    codeName: typeof codeName === "string" ? codeName : undefined,
    labels: errorLabels,
  };
}

/** A write of a batch that the server has not made. */
export interface WriteError {
  readonly code: number;
  readonly message: string;
}

/** Whether it is the row's fault: the server takes others. */
export function isOfRow({ code }: Pick<WriteError, "code">): boolean {
  return !PASSING.has(code) && !OF_ALL_ROWS.has(code);
}

/** Whether somebody else has inserted the same document at this moment: then it is there now, and can be written. */
export function isRace({ code, message }: WriteError): boolean {
  return code === DUPLICATE_KEY && /index: (?:\S+\.\$)?_id_ dup key/.test(message);
}
