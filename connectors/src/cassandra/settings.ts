import type { PemPaths } from "../calling/pem.js";
import type { Secret } from "../calling/secret.js";

/** How the SDK hands over a connection. Times are milliseconds. */
export interface Settings {
  readonly contactPoints: readonly string[];
  readonly localDataCenter: string;
  readonly keyspace: string;
  readonly table: string;
  readonly auth: { readonly username: string; readonly password: Secret } | undefined;
  readonly tls: boolean | PemPaths;
  /** As CQL calls it: "LOCAL_QUORUM". */
  readonly consistency: string;
  readonly timeout: number;
  readonly speculative: { readonly delay: number; readonly executions: number } | undefined;
  readonly concurrency: number;
}

export interface SinkSettings extends Settings {
  /** Seconds; 0: none. */
  readonly ttl: number;
  readonly timestamp: string | undefined;
  readonly ignoreNulls: boolean;
  readonly ifNotExists: boolean;
  readonly serialConsistency: string | undefined;
}

export interface SourceSettings extends Settings {
  readonly splits: number;
  readonly pageRows: number;
}
