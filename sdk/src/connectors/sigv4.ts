import type { Secret } from "./secret.js";

/**
 * Signs requests with AWS's Signature Version 4. Made by `sigv4`.
 *
 * ```ts
 * import { opensearch, type SigV4, sigv4 } from "millrace";
 * const auth: SigV4 = sigv4({ region: "eu-central-1", service: "es" });
 * const sink = opensearch({ url: "https://search.example", index: "orders", auth });
 * ```
 */
export interface SigV4 {
  readonly sigv4: SigV4Options;
}

/**
 * What is signed for, and with which credentials.
 *
 * ```ts
 * import { env, http, json, type SigV4Options, sigv4 } from "millrace";
 * const options: SigV4Options = {
 *   region: "eu-central-1",
 *   service: "execute-api",
 *   credentials: { file: env("CREDENTIALS", "/run/secrets/aws.json") },
 * };
 * const sink = http({ url: "https://rows.example/rows", format: json(), auth: sigv4(options) });
 * ```
 */
export interface SigV4Options {
  readonly region: string;
  /** "es" (OpenSearch), "aoss", "aps" (Prometheus), "execute-api", … */
  readonly service: string;
  /**
   * The keys themselves, or a file of them: that of AWS's own tools, or JSON as a `credential_process` prints it. A file is read again
   * when it has changed, when its `Expiration` is near, and when its credentials are not accepted any more. Without this, they come
   * from the variables of AWS's tools, or from the file that these have.
   */
  readonly credentials?:
    | { readonly accessKeyId: Secret; readonly secretAccessKey: Secret; readonly sessionToken?: Secret }
    | { readonly file: string; readonly profile?: string };
}

/**
 * Signs requests with AWS's Signature Version 4, as `auth` of an HTTP sink.
 *
 * ```ts
 * import { generator, job, prometheus, sigv4 } from "millrace";
 * export default job("prices-to-aws", (j) =>
 *   j.source(generator.bids()).to(
 *     prometheus({
 *       url: "https://aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-1",
 *       path: "/api/v1/remote_write",
 *       auth: sigv4({ region: "eu-central-1", service: "aps" }),
 *       metric: "bid_price",
 *       labels: ["channel"],
 *       value: "price",
 *       time: "dateTime",
 *     }),
 *   ),
 * );
 * ```
 */
export function sigv4(options: SigV4Options): SigV4 {
  return { sigv4: options };
}
