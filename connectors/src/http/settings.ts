import type { RetryPolicy } from "../calling/backoff.js";
import type { PemPaths } from "../calling/pem.js";
import type { Secret } from "../calling/secret.js";

/** How requests of one sink are sent. Times are milliseconds. */
export interface HttpSettings {
  readonly endpoints: readonly Endpoint[];
  readonly method: string;
  readonly headers: Readonly<Record<string, Secret>>;
  readonly auth?: HttpAuth | undefined;
  /** What signs requests as Standard Webhooks has it. */
  readonly webhookSecret?: Secret | undefined;
  /** Paths of PEM files. */
  readonly tls?: PemPaths | undefined;
  readonly contentType: string;
  readonly compression: "" | "gzip" | "zstd" | "snappy";
  /** How the endpoint names rows that it has refused, and takes the key of a request. */
  readonly dialect: Dialect;
  /** The parameter of the query that takes the key of a request. */
  readonly keyParameter?: string | undefined;
  /** Requests that each endpoint may have on their way. */
  readonly concurrency: number;
  /** A request waits for the one before it. */
  readonly ordered: boolean;
  /** To each endpoint; 0: as many as there are. */
  readonly requestsPerSecond: number;
  readonly connectTimeout: number;
  readonly responseTimeout: number;
  readonly retry: RetryPolicy;
  readonly breaker: BreakerPolicy;
  readonly hedge?: HedgePolicy | undefined;
  /** The job ends with the first row that is refused. */
  readonly failsOnRefused: boolean;
}

export interface Endpoint {
  readonly name: string;
  readonly url: string;
  readonly weight?: number;
  /** Takes the same rows. */
  readonly replica?: string;
}

export type HttpAuth =
  | { readonly bearer: Secret }
  | { readonly token: Secret }
  | { readonly username: string; readonly password: Secret }
  | { readonly sigv4: SigV4Settings };

export interface SigV4Settings {
  readonly region: string;
  readonly service: string;
  /** The variables and the file of AWS's tools without it. */
  readonly credentials?:
    | { readonly accessKeyId: Secret; readonly secretAccessKey: Secret; readonly sessionToken?: Secret }
    | { readonly file: string; readonly profile?: string };
}

export type Dialect = "plain" | "bulk" | "clickhouse" | "influx" | "prometheus";

/** When a second request is made for one that is not answered. */
export interface HedgePolicy {
  /** After so long, or after what this share of all answers have kept to. */
  readonly after: { readonly ms: number } | { readonly share: number };
  /** Of all requests, at most. */
  readonly share: number;
}

export interface BreakerPolicy {
  /** So many in a row open it; 0: it stays closed. */
  readonly failures: number;
  readonly pause: number;
}

/** A request that the core has made. */
export interface HttpRequest {
  readonly id: number;
  readonly sink: string;
  readonly run: string;
  readonly slot: number;
  readonly shard: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly rows: number;
  /** Bytes before compression. */
  readonly size: number;
  readonly body: Uint8Array;
}

/** What has become of a request. */
export interface HttpAnswer {
  /** Why the job cannot go on. */
  readonly error?: string;
  /** The rows that were refused for good, and why. */
  readonly refused: number[];
  readonly reasons: string[];
  readonly by: string;
}

/** Where requests come from. */
export interface HttpQueue {
  takeRequests(): HttpRequest[];
  partOfRequest(id: number, rows: Uint32Array): Uint8Array;
  answer(id: number, answer: HttpAnswer): void;
  /** Spreads the rows of a sink over these from now on; a number is never another shard's. */
  reshard(sink: string, shards: { number: number; name: string; weight: number }[]): void;
}
