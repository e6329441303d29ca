import type { PemPaths } from "../calling/pem.js";
import type { Secret } from "../calling/secret.js";

/** How a collection is reached. Times are milliseconds. */
export interface Target {
  readonly url: Secret;
  readonly database: string;
  readonly collection: string;
  readonly auth?: { readonly username: string; readonly password: Secret; readonly source?: string } | undefined;
  /** Paths of PEM files. */
  readonly tls?: boolean | PemPaths | undefined;
  readonly connectTimeout: number;
  readonly responseTimeout: number;
}

export interface SinkSettings extends Target {
  /** The columns of the `_id`; none: the server makes one. */
  readonly id: readonly string[];
  /** The `_id` is a document of these columns. */
  readonly idIsDocument: boolean;
  readonly write: "replace" | "update" | "insert";
  readonly deleteWhere?: string | undefined;
  readonly shardKey: readonly string[];
  readonly objectIds: readonly string[];
  readonly ordered: boolean;
  readonly writeConcern: {
    readonly w: "majority" | number;
    readonly journal?: boolean | undefined;
    readonly timeout?: number | undefined;
  };
}

export interface TableSettings extends Target {
  readonly read: "changes" | "snapshot";
  /** A number is a time, in milliseconds since the epoch. */
  readonly start: "now" | "snapshot" | number;
  readonly operations: readonly string[];
  readonly preImages: boolean;
  readonly batchRows: number;
}
