import { bytes, type Duration, milliseconds, type Size } from "../duration.js";
import { PlanError } from "../errors.js";
import type { Columns } from "../expr/expr.js";
import type { BadRecordPolicy } from "../plan/node.js";
import type { Shape } from "../schema/type.js";
import type { Json, OnBadRecord, RecordPart, Sink } from "./connector.js";

/**
 * One of the endpoints that rows are spread over. With a name its URL may change and its keys stay; an endpoint of twice the
 * weight gets twice the keys.
 *
 * ```ts
 * import { type HttpEndpoint, http, json } from "millrace";
 * const large: HttpEndpoint = { url: "http://10.0.0.2:8080/rows", name: "large", weight: 2 };
 * const sink = http({ endpoints: ["http://10.0.0.1:8080/rows", large], format: json() });
 * ```
 */
export interface HttpEndpoint {
  readonly url: string;
  readonly name?: string;
  readonly weight?: number;
}

/**
 * A text that is neither shown nor logged: given as it is, or as the file that holds it, which is read again when the endpoint
 * does not accept it any more.
 *
 * ```ts
 * import { env, type Secret } from "millrace";
 * const token: Secret = process.env.TOKEN_FILE ? { file: process.env.TOKEN_FILE } : env("TOKEN");
 * ```
 */
export type Secret = string | { readonly file: string };

/**
 * How to reach HTTP endpoints, and how much to ask of them.
 *
 * ```ts
 * import { env, type HttpConnection, http, json } from "millrace";
 * const service: HttpConnection = {
 *   endpoints: ["https://a.example/rows", "https://b.example/rows"],
 *   auth: { bearer: env("TOKEN", "") },
 *   tls: { ca: "ca.pem" },
 *   compression: "zstd",
 *   batch: { rows: 5000, bytes: "1MB", linger: "200ms" },
 *   concurrency: 2,
 *   retry: { giveUpAfter: "10m" },
 * };
 * const sink = http({ ...service, format: json() });
 * ```
 */
export interface HttpConnection {
  /** One endpoint ... */
  readonly url?: string;
  /** ... or several. Rows of one key always go to the same; rows without a key go to all of them by turns. */
  readonly endpoints?: readonly (string | HttpEndpoint)[];
  readonly headers?: Readonly<Record<string, Secret>>;
  readonly auth?: { readonly bearer: Secret } | { readonly username: string; readonly password: Secret };
  /** PEM files; the system's certificates without. */
  readonly tls?: { readonly ca?: string; readonly certificate?: string; readonly key?: string };
  readonly compression?: "gzip" | "zstd";
  /** A request is complete with so many rows (10,000), so many bytes before compression (1MB), or at this age (100ms). */
  readonly batch?: { readonly rows?: number; readonly bytes?: Size; readonly linger?: Duration };
  /** What each endpoint may leave unanswered in each slot (16MB). Then its rows hold back the slot. */
  readonly buffer?: Size;
  /** Requests that each endpoint may have on their way: 4 by default. */
  readonly concurrency?: number;
  /** A request waits until the one before it has been taken, so that rows of a key arrive in their order. */
  readonly ordered?: boolean;
  /** To each endpoint; as many as there are without it. */
  readonly requestsPerSecond?: number;
  /** For a connection (5s), and for an answer or a part of it (30s). */
  readonly timeout?: { readonly connect?: Duration; readonly response?: Duration };
  /**
   * After 408, 425, 429, 5xx and broken connections: the pause is any time up to a bound that begins with `delay` (100ms)
   * and doubles to `maxDelay` (10s), or what a Retry-After asks for. After `giveUpAfter` (5m) the job fails.
   */
  readonly retry?: { readonly delay?: Duration; readonly maxDelay?: Duration; readonly giveUpAfter?: Duration };
  /** After so many failures in a row (5; 0: never) an endpoint is left alone for a `pause` (1s), then asked with one request. */
  readonly breaker?: { readonly failures?: number; readonly pause?: Duration };
  /** What becomes of rows that the endpoint refuses: the job fails (the default), they are skipped and counted, or kept. */
  readonly onBadRecord?: OnBadRecord;
}

/**
 * What is sent to HTTP endpoints, and by which key.
 *
 * ```ts
 * import { type HttpSinkOptions, http, json, schema, t } from "millrace";
 * const Total = schema({ channel: t.string(), total: t.int64() });
 * const options: HttpSinkOptions<typeof Total.shape> = {
 *   url: "http://localhost:8080/totals",
 *   method: "PUT",
 *   format: json(),
 *   body: "array",
 *   key: (row) => row.channel,
 * };
 * const sink = http(options);
 * ```
 */
export interface HttpSinkOptions<S extends Shape> extends HttpConnection {
  readonly format: Json;
  /** POST by default. */
  readonly method?: "POST" | "PUT" | "PATCH";
  /** A line a row (the default), or a JSON array of rows. */
  readonly body?: "lines" | "array";
  /** Chooses the endpoint: rows of the same key go to the same. */
  readonly key?: (row: Columns<S>) => RecordPart;
}

/**
 * Sends rows to HTTP endpoints, a batch a request. Every row arrives at least once; a request that is sent again has the
 * same `Idempotency-Key`.
 *
 * ```ts
 * import { generator, http, job, json, t } from "millrace";
 * export default job("bids-by-auction", (j) =>
 *   j.source(generator.bids()).to(
 *     http({
 *       endpoints: ["http://localhost:8081/bids", "http://localhost:8082/bids"],
 *       format: json(),
 *       key: (bid) => bid.auction.cast(t.string()),
 *     }),
 *   ),
 * );
 * ```
 */
export function http<S extends Shape>(options: HttpSinkOptions<S>): Sink<S> {
  const { body = "lines", method = "POST", key } = options;
  return httpSink("http", options, {
    method,
    body,
    contentType: body === "array" ? "application/json" : "application/x-ndjson",
    dialect: "plain",
    ...(key === undefined ? {} : { key }),
  });
}

/** What of a sink over HTTP is not in the hands of who writes a job. */
export interface HttpDialect<S extends Shape> {
  readonly method: string;
  readonly body: "lines" | "array" | "bulk";
  readonly contentType: string;
  readonly dialect: "plain" | "bulk" | "clickhouse";
  /** The parameter of the query that takes the key of a request. */
  readonly keyParameter?: string | undefined;
  /** Added to the URL of each endpoint. */
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly key?: (row: Columns<S>) => RecordPart;
  readonly headers?: (row: Columns<S>) => Readonly<Record<string, RecordPart>>;
}

/** How requests are made and sent, as the worker and the core get it. Times are milliseconds. */
export interface HttpSinkConfig {
  readonly kind: "http";
  readonly endpoints: readonly { readonly name: string; readonly url: string; readonly weight: number }[];
  readonly method: string;
  readonly headers: Readonly<Record<string, Secret>>;
  readonly auth: HttpConnection["auth"];
  readonly tls: HttpConnection["tls"];
  readonly contentType: string;
  readonly body: "lines" | "array" | "bulk";
  readonly dialect: "plain" | "bulk" | "clickhouse";
  readonly keyParameter: string | undefined;
  readonly compression: "" | "gzip" | "zstd";
  readonly batchRows: number;
  readonly batchBytes: number;
  readonly linger: number;
  readonly buffer: number;
  readonly concurrency: number;
  readonly ordered: boolean;
  readonly requestsPerSecond: number;
  readonly connectTimeout: number;
  readonly responseTimeout: number;
  readonly retry: { readonly delay: number; readonly maxDelay: number; readonly giveUpAfter: number };
  readonly breaker: { readonly failures: number; readonly pause: number };
}

/** A sink over HTTP: what `http` and the presets come to. */
export function httpSink<S extends Shape>(kind: string, options: HttpConnection, dialect: HttpDialect<S>): Sink<S> {
  const { batch = {}, timeout = {}, retry = {}, breaker = {}, compression = "", onBadRecord = "fail" } = options;
  const endpoints = endpointsOf(kind, options, dialect);
  const name = `${kind}(${hosts(endpoints.map(({ url }) => new URL(url).host))})`;
  const whole = (value: number, what: string, least: number) => atLeast(name, value, what, least);
  const batchBytes = bytes(batch.bytes ?? "1MB", "batch.bytes");
  const config: HttpSinkConfig = {
    kind: "http",
    endpoints,
    method: dialect.method,
    headers: options.headers ?? {},
    auth: options.auth,
    tls: options.tls,
    contentType: dialect.contentType,
    body: dialect.body,
    dialect: dialect.dialect,
    keyParameter: dialect.keyParameter,
    compression,
    batchRows: whole(batch.rows ?? 10_000, "batch.rows", 1),
    batchBytes,
    linger: milliseconds(batch.linger ?? "100ms", "batch.linger"),
    buffer: options.buffer === undefined ? Math.max(16 << 20, 4 * batchBytes) : bytes(options.buffer, "buffer"),
    concurrency: whole(options.concurrency ?? 4, "concurrency", 1),
    ordered: options.ordered ?? false,
    requestsPerSecond: options.requestsPerSecond ?? 0,
    connectTimeout: milliseconds(timeout.connect ?? "5s", "timeout.connect"),
    responseTimeout: milliseconds(timeout.response ?? "30s", "timeout.response"),
    retry: {
      delay: milliseconds(retry.delay ?? "100ms", "retry.delay"),
      maxDelay: milliseconds(retry.maxDelay ?? "10s", "retry.maxDelay"),
      giveUpAfter: milliseconds(retry.giveUpAfter ?? "5m", "retry.giveUpAfter"),
    },
    breaker: {
      failures: whole(breaker.failures ?? 5, "breaker.failures", 0),
      pause: milliseconds(breaker.pause ?? "1s", "breaker.pause"),
    },
  };
  if (!(config.requestsPerSecond >= 0)) throw new PlanError("requestsPerSecond is more than nothing", name);
  return {
    role: "sink",
    name,
    config,
    onBadRecord: onBadRecord satisfies BadRecordPolicy,
    ...(dialect.key === undefined ? {} : { key: dialect.key }),
    ...(dialect.headers === undefined ? {} : { headers: dialect.headers }),
  };
}

function endpointsOf<S extends Shape>(
  kind: string,
  { url, endpoints }: HttpConnection,
  { path, query = {} }: HttpDialect<S>,
): HttpSinkConfig["endpoints"] {
  const given = url === undefined ? (endpoints ?? []) : [url];
  if ((url === undefined) === (endpoints === undefined) || given.length === 0) {
    throw new PlanError("give a url or a list of endpoints, one of them", kind);
  }
  return given.map((endpoint) => {
    const { url: text, name, weight = 1 } = typeof endpoint === "string" ? { url: endpoint } : endpoint;
    const url = parsed(kind, text);
    if (path !== undefined) url.pathname = `${url.pathname.replace(/\/$/, "")}${path}`;
    // Not the query: it may hold what is not to be shown.
    const shown = `${url.origin}${url.pathname}`;
    for (const [parameter, value] of Object.entries(query)) url.searchParams.set(parameter, value);
    return { name: name ?? shown, url: url.href, weight };
  });
}

function parsed(kind: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new PlanError(`${JSON.stringify(text)} is not a URL such as "http://localhost:8080/rows"`, kind);
  }
  if (url.username !== "" || url.password !== "") {
    throw new PlanError(
      `the URL of ${url.host} holds a user or a password, and URLs are shown: give them as auth`,
      kind,
    );
  }
  return url;
}

/** "a:80", "a:80, b:80", "a:80 and 3 more". */
function hosts(all: readonly string[]): string {
  return all.length <= 2 ? all.join(", ") : `${all[0]} and ${all.length - 1} more`;
}

function atLeast(name: string, value: number, what: string, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new PlanError(`${what} is ${value}: give a whole number from ${least} on`, name);
}
