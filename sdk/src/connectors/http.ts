import { bytes, type Duration, milliseconds, type Size } from "../duration.js";
import { PlanError } from "../errors.js";
import type { Columns } from "../expr/expr.js";
import type { Arrow } from "../formats/arrow.js";
import type { FormatConfig } from "../formats/config.js";
import type { Csv } from "../formats/csv.js";
import type { LineProtocol } from "../formats/line-protocol.js";
import type { Parquet } from "../formats/parquet.js";
import type { BadRecordPolicy } from "../plan/node.js";
import type { Shape } from "../schema/type.js";
import type { Json, OnBadRecord, RecordPart, Sink } from "./connector.js";
import type { Secret } from "./secret.js";
import type { SigV4 } from "./sigv4.js";

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
  /** Another URL that takes the same rows: hedged requests go there. */
  readonly replica?: string;
}

/**
 * A second request for one that has waited for its answer for so long: a duration, or a share (0.95) of the answers that the endpoint
 * has given, which came sooner. The first answer counts and the other request is broken off. Both have the same key, and both
 * may arrive: it is for endpoints to which that makes no difference.
 *
 * ```ts
 * import { type Hedge, http, json } from "millrace";
 * const hedge: Hedge = { after: 0.95, idempotent: true };
 * const sink = http({ url: "http://localhost:8080/rows", format: json(), method: "PUT", hedge });
 * ```
 */
export interface Hedge {
  readonly after: Duration | number;
  /** So much of all requests at most: 0.05 by default. */
  readonly share?: number;
  /** That a request which arrives twice counts once, where Millrace cannot know it. */
  readonly idempotent?: boolean;
}

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
  /**
   * ... or several. Rows of one key always go to the same; rows without a key go to all of them by turns. A file holds such a list
   * as JSON, and may change while the job runs: it is looked at every second.
   */
  readonly endpoints?: readonly (string | HttpEndpoint)[] | { readonly file: string };
  readonly headers?: Readonly<Record<string, Secret>>;
  readonly auth?: { readonly bearer: Secret } | { readonly username: string; readonly password: Secret } | SigV4;
  /** PEM files; the system's certificates without. */
  readonly tls?: { readonly ca?: string; readonly certificate?: string; readonly key?: string };
  /** Of bodies as a whole. Parquet is compressed in its inside: its own option is to be "none" beside this one. */
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
  /** None by default. */
  readonly hedge?: Hedge;
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
  readonly format: HttpFormat;
  /** POST by default. */
  readonly method?: "POST" | "PUT" | "PATCH";
  /** A line a row (the default), or a JSON array of rows. Bodies of Arrow and Parquet are neither: leave it out. */
  readonly body?: "lines" | "array";
  /** Chooses the endpoint: rows of the same key go to the same. */
  readonly key?: (row: Columns<S>) => RecordPart;
}

/**
 * How rows stand in the bodies of requests: made by `json`, `csv`, `lineProtocol`, `arrow` or `parquet`.
 *
 * ```ts
 * import { arrow, env, type HttpFormat, http, json } from "millrace";
 * const format: HttpFormat = env("COLUMNS", "no") === "yes" ? arrow() : json();
 * const sink = http({ url: "http://localhost:8080/rows", format });
 * ```
 */
export type HttpFormat = Json | Csv | LineProtocol | Arrow | Parquet;

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
  const { method = "POST", key, format } = options;
  const { body = format.format === "arrow" || format.format === "parquet" ? format.format : "lines" } = options;
  return httpSink("http", options, {
    method,
    body,
    contentType: body === "array" ? "application/json" : CONTENT_TYPES[format.format],
    dialect: "plain",
    ...("config" in format ? { format: format.config } : {}),
    ...(key === undefined ? {} : { key }),
  });
}

export const CONTENT_TYPES = {
  json: "application/x-ndjson",
  csv: "text/csv; charset=utf-8",
  lineProtocol: "text/plain; charset=utf-8",
  arrow: "application/vnd.apache.arrow.stream",
  parquet: "application/vnd.apache.parquet",
} as const;

/** What of a sink over HTTP is not in the hands of who writes a job. */
export interface HttpDialect<S extends Shape> {
  readonly method: string;
  readonly body: HttpSinkConfig["body"];
  readonly contentType: string;
  readonly dialect: HttpSinkConfig["dialect"];
  /** JSON without it. */
  readonly format?: FormatConfig;
  /** Goes before the options'. */
  readonly compression?: "snappy";
  /** The parameter of the query that takes the key of a request. */
  readonly keyParameter?: string | undefined;
  /** A request that arrives twice counts once. */
  readonly isIdempotent?: boolean;
  /** What signs requests as Standard Webhooks has it. */
  readonly webhookSecret?: Secret | undefined;
  /** Goes before the options'. */
  readonly auth?: HttpSinkConfig["auth"];
  /** Added to the URL of each endpoint. */
  readonly path?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly key?: (row: Columns<S>) => RecordPart;
  readonly headers?: (row: Columns<S>) => Readonly<Record<string, RecordPart>>;
}

/** How requests are made and sent, as the worker and the core get it. Times are milliseconds. */
export interface HttpSinkConfig {
  readonly kind: "http";
  /** None where they are in a file. */
  readonly endpoints: readonly EndpointConfig[];
  readonly live: LiveEndpoints | undefined;
  readonly method: string;
  readonly headers: Readonly<Record<string, Secret>>;
  /** A token is what InfluxDB calls one. */
  readonly auth: HttpConnection["auth"] | { readonly token: Secret };
  readonly webhookSecret: Secret | undefined;
  readonly tls: HttpConnection["tls"];
  readonly contentType: string;
  readonly body: "lines" | "array" | "bulk" | "joined" | "arrow" | "parquet";
  readonly dialect: "plain" | "bulk" | "clickhouse" | "influx" | "prometheus";
  readonly keyParameter: string | undefined;
  readonly compression: "" | "gzip" | "zstd" | "snappy";
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
  readonly hedge:
    | { readonly after: { readonly ms: number } | { readonly share: number }; readonly share: number }
    | undefined;
}

export interface EndpointConfig {
  readonly name: string;
  readonly url: string;
  readonly weight: number;
  readonly replica?: string;
}

/** A file that holds endpoints, and what a list of it comes to. */
export interface LiveEndpoints {
  readonly file: string;
  /** @throws PlanError when it is no list of endpoints */
  endpoints(list: unknown): readonly EndpointConfig[];
}

/** A sink over HTTP: what `http` and the presets come to. */
export function httpSink<S extends Shape>(kind: string, options: HttpConnection, dialect: HttpDialect<S>): Sink<S> {
  const { batch = {}, timeout = {}, retry = {}, breaker = {}, compression = "", onBadRecord = "fail" } = options;
  const live = liveOf(kind, options, dialect);
  const endpoints = live === undefined ? endpointsOf(kind, options, dialect) : [];
  const name = `${kind}(${live?.file ?? hosts(endpoints.map(({ url }) => new URL(url).host))})`;
  const whole = (value: number, what: string, least: number) => atLeast(name, value, what, least);
  const batchBytes = bytes(batch.bytes ?? "1MB", "batch.bytes");
  const config: HttpSinkConfig = {
    kind: "http",
    endpoints,
    live,
    method: dialect.method,
    headers: options.headers ?? {},
    auth: dialect.auth ?? options.auth,
    webhookSecret: dialect.webhookSecret,
    tls: options.tls,
    contentType: dialect.contentType,
    body: dialect.body,
    dialect: dialect.dialect,
    keyParameter: dialect.keyParameter,
    compression: dialect.compression ?? compression,
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
    hedge: options.hedge === undefined ? undefined : hedgeOf(name, options.hedge, options, dialect),
  };
  if (!(config.requestsPerSecond >= 0)) throw new PlanError("requestsPerSecond is more than nothing", name);
  return {
    role: "sink",
    name,
    config,
    onBadRecord: onBadRecord satisfies BadRecordPolicy,
    ...(dialect.format === undefined ? {} : { format: dialect.format }),
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
  if ((url === undefined) === (endpoints === undefined) || !Array.isArray(given) || given.length === 0) {
    throw new PlanError("give a url or a list of endpoints, one of them", kind);
  }
  const whole = (text: string) => {
    const url = parsed(kind, text);
    if (path !== undefined) url.pathname = `${url.pathname.replace(/\/$/, "")}${path}`;
    // Not the query: it may hold what is not to be shown.
    const shown = `${url.origin}${url.pathname}`;
    for (const [parameter, value] of Object.entries(query)) url.searchParams.set(parameter, value);
    return { shown, url: url.href };
  };
  return given.map((endpoint: string | HttpEndpoint) => {
    const { url, name, weight = 1, replica } = typeof endpoint === "string" ? { url: endpoint } : endpoint;
    const of = whole(url);
    const other = replica === undefined ? {} : { replica: whole(replica).url };
    return { name: name ?? of.shown, url: of.url, weight, ...other };
  });
}

function liveOf<S extends Shape>(
  kind: string,
  { url, endpoints }: HttpConnection,
  dialect: HttpDialect<S>,
): LiveEndpoints | undefined {
  if (url !== undefined || endpoints === undefined || !("file" in endpoints)) return undefined;
  const { file } = endpoints;
  return {
    file,
    endpoints(list) {
      const isEndpoint = (one: unknown) =>
        typeof one === "string" || (typeof one === "object" && one !== null && "url" in one);
      if (!Array.isArray(list) || !list.every(isEndpoint)) {
        throw new PlanError(`${file} is not a list of URLs, or of objects with a "url", as JSON`, kind);
      }
      const all = endpointsOf(kind, { endpoints: list as (string | HttpEndpoint)[] }, dialect);
      const names = all.map(({ name }) => name);
      const twice = names.find((name, place) => names.indexOf(name) < place);
      if (twice !== undefined) throw new PlanError(`${file}: endpoint "${twice}" is there twice`, kind);
      const wrong = all.find(({ weight }) => !(typeof weight === "number" && weight > 0 && weight < Infinity));
      if (wrong !== undefined) {
        throw new PlanError(
          `${file}: the weight of endpoint "${wrong.name}" is ${wrong.weight}: it is more than nothing`,
          kind,
        );
      }
      return all;
    },
  };
}

function hedgeOf<S extends Shape>(
  name: string,
  { after, share = 0.05, idempotent = false }: Hedge,
  { ordered = false }: HttpConnection,
  { method, isIdempotent = false }: HttpDialect<S>,
): HttpSinkConfig["hedge"] {
  if (!idempotent && !isIdempotent && method !== "PUT") {
    throw new PlanError(
      "a hedged request may arrive twice: say hedge.idempotent where that makes no difference to the endpoint",
      name,
    );
  }
  if (ordered) throw new PlanError("with an order no request may arrive twice: leave out hedge or ordered", name);
  const isShare = (value: unknown) => typeof value === "number" && value > 0 && value < 1;
  if (!isShare(share)) throw new PlanError(`hedge.share is ${share}: give a number between 0 and 1`, name);
  if (typeof after === "number" && !isShare(after)) {
    throw new PlanError(`hedge.after is ${after}: give a share between 0 and 1, or a duration`, name);
  }
  return { after: typeof after === "number" ? { share: after } : { ms: milliseconds(after, "hedge.after") }, share };
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
