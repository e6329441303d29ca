import { mayPass, retryAfter } from "./retry.js";
import type { Dialect } from "./settings.js";

/** What an endpoint has answered. */
export interface Reply {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** What an answer means for the rows of a request, which go by their place in it. */
export type Verdict =
  | { readonly kind: "accepted" }
  /** Nothing of it counts; the same request may succeed later. */
  | { readonly kind: "again"; readonly reason: string; readonly afterMs?: number | undefined; readonly isBusy: boolean }
  /** Some row of it, or its size, is not to the endpoint's liking. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Some rows count, some may later, some never. */
  | { readonly kind: "partial"; readonly again: readonly number[]; readonly refused: ReadonlyMap<number, string> }
  /** No row will ever be accepted like this: the job is to be corrected. */
  | { readonly kind: "wrong"; readonly reason: string };

/** What is wrong with the request itself, whatever its rows are, and what to do about it. */
const ADVICE: Readonly<Record<number, string>> = {
  401: "Check the credentials.",
  403: "Check what the credentials may do.",
  404: "Check the URL.",
  405: "Check the method.",
  407: "Check the proxy.",
  410: "Check the URL.",
  411: "Check the endpoint.",
  415: "Check the format.",
  421: "Check the URL.",
  426: "Check the URL.",
  431: "Check the headers.",
  451: "Check the endpoint.",
};

/** So much of an answer is told. */
const TOLD_CHARS = 300;

export function verdict(reply: Reply, dialect: Dialect, rows: number, wallMs: number): Verdict {
  const { status } = reply;
  const reason = told(reply);
  if (mayPass(status) && !isAboutRows(reply, dialect)) {
    const afterMs = retryAfter(reply.retryAfter, wallMs);
    return { kind: "again", reason, afterMs, isBusy: status === 429 || status === 425 };
  }
  if (status >= 200 && status < 300) return dialect === "bulk" ? ofBulk(reply, rows) : { kind: "accepted" };
  if (isClickhouseConfiguration(reply, dialect))
    return { kind: "wrong", reason: `${reason}. Check table and columns.` };
  // VictoriaMetrics says 400 of it.
  if (dialect === "prometheus" && /unsupported path/.test(reply.text)) {
    return { kind: "wrong", reason: `${reason}. Check the URL and the path.` };
  }
  if (status === 404 && dialect === "influx")
    return { kind: "wrong", reason: `${reason}. Check the database or bucket.` };
  const advice = status < 400 ? "Give the URL that it redirects to." : ADVICE[status];
  return advice === undefined ? { kind: "refused", reason } : { kind: "wrong", reason: `${reason}. ${advice}` };
}

/** "503 Service Unavailable" is told as "503: overloaded". */
function told({ status, text }: Reply): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  const short = line.length > TOLD_CHARS ? `${line.slice(0, TOLD_CHARS)}…` : line;
  return short === "" ? `status ${status}` : `status ${status}: ${short.replace(/\.$/, "")}`;
}

/** ClickHouse's codes of errors that come from what the rows hold. */
const ROW_ERRORS = new Set([6, 26, 27, 33, 38, 41, 53, 69, 70, 72, 130, 131, 349, 407, 457, 469, 636, 691]);

/** As above, of tables, columns and rights. */
const CONFIGURATION_ERRORS = new Set([16, 47, 60, 62, 73, 81, 115, 117, 192, 193, 194, 492, 497, 516]);

function clickhouseCode({ text }: Reply): number {
  return Number(/\bCode: (\d+)/.exec(text)?.[1] ?? Number.NaN);
}

/** What servers that say 500 where others say 400 have against a row. */
const ROW_TEXTS: Partial<Record<Dialect, RegExp>> = {
  influx: /partial write/,
  prometheus: /too old sample|out of (order|bounds)|duplicate sample/,
};

function isAboutRows(reply: Reply, dialect: Dialect): boolean {
  if (ROW_TEXTS[dialect] !== undefined) return reply.status === 500 && ROW_TEXTS[dialect].test(reply.text);
  const code = clickhouseCode(reply);
  return dialect === "clickhouse" && (ROW_ERRORS.has(code) || CONFIGURATION_ERRORS.has(code));
}

function isClickhouseConfiguration(reply: Reply, dialect: Dialect): boolean {
  return dialect === "clickhouse" && CONFIGURATION_ERRORS.has(clickhouseCode(reply));
}

interface BulkItem {
  readonly status?: number;
  readonly error?: { readonly type?: string; readonly reason?: string } | string;
}

/** An older version than the one that is there: it has been overtaken, and counts as written. */
const CONFLICT = 409;

function ofBulk(reply: Reply, rows: number): Verdict {
  let answer: { errors?: boolean; items?: readonly Readonly<Record<string, BulkItem>>[] };
  try {
    answer = JSON.parse(reply.text);
  } catch {
    return { kind: "again", reason: `an answer that is no JSON: ${told(reply)}`, isBusy: false };
  }
  if (answer.errors !== true) return { kind: "accepted" };
  const items = answer.items ?? [];
  if (items.length !== rows) {
    return { kind: "again", reason: `an answer for ${items.length} rows instead of ${rows}`, isBusy: false };
  }
  const again: number[] = [];
  const refused = new Map<number, string>();
  items.forEach((item, row) => {
    const { status = 200, error } = Object.values(item)[0] ?? {};
    if (status < 300 || status === CONFLICT) return;
    if (mayPass(status)) again.push(row);
    else refused.set(row, typeof error === "object" ? `${error.type}: ${error.reason}` : (error ?? `status ${status}`));
  });
  return { kind: "partial", again, refused };
}
