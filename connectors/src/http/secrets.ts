import { createHmac } from "node:crypto";
import { readSecret } from "../calling/secret.js";
import { AwsKeys } from "./aws-credentials.js";
import type { HttpSettings, SigV4Settings } from "./settings.js";
import { sha256, signedHeaders, type ToSign } from "./sigv4.js";

/** What a request is signed over. */
export interface Unsigned extends ToSign {
  /** The same at each attempt. */
  readonly key: string;
}

/** The headers that hold secrets; those from files are read anew when the endpoint does not accept them any more. */
export class Credentials {
  #headers: Readonly<Record<string, string>>;
  #webhookKey: Buffer | undefined;
  readonly #aws: { readonly keys: AwsKeys; readonly settings: SigV4Settings } | undefined;

  /** @throws when a file cannot be read */
  constructor(private readonly settings: Pick<HttpSettings, "auth" | "headers" | "webhookSecret">) {
    const { auth } = settings;
    this.#aws =
      auth !== undefined && "sigv4" in auth
        ? { keys: new AwsKeys(auth.sigv4.credentials), settings: auth.sigv4 }
        : undefined;
    this.#headers = this.#read();
  }

  /** Those that every request has. */
  get headers(): Readonly<Record<string, string>> {
    return this.#headers;
  }

  /** What signs one request, where requests are signed. */
  signature(request: Unsigned, wallMs: number): Record<string, string> {
    return { ...this.#awsSignature(request, wallMs), ...this.#webhookSignature(request, wallMs) };
  }

  /** Whether there may be other secrets later. */
  get mayChange(): boolean {
    const { auth, headers, webhookSecret } = this.settings;
    if (this.#aws?.keys.mayChange) return true;
    const own =
      auth === undefined || "sigv4" in auth
        ? []
        : ["bearer" in auth ? auth.bearer : "token" in auth ? auth.token : auth.password];
    return [...own, webhookSecret, ...Object.values(headers)].some((secret) => typeof secret === "object");
  }

  renew(): void {
    this.#aws?.keys.renew();
    try {
      this.#headers = this.#read();
    } catch {
      // Whoever replaces the file may be about to: the next attempt looks again.
    }
  }

  #read(): Record<string, string> {
    const { auth, headers, webhookSecret } = this.settings;
    this.#webhookKey = webhookSecret === undefined ? undefined : webhookKey(readSecret(webhookSecret));
    const given = Object.entries(headers).map(([name, secret]) => [name.toLowerCase(), readSecret(secret)]);
    return { ...authorization(auth), ...Object.fromEntries(given) };
  }

  #awsSignature({ headers, body, ...request }: Unsigned, wallMs: number): Record<string, string> {
    if (this.#aws === undefined) return {};
    const { keys, settings } = this.#aws;
    // Not all: what is between may change others.
    const signed = { "content-type": headers["content-type"] ?? "", "x-amz-content-sha256": sha256(body) };
    const signature = signedHeaders({ ...request, headers: signed, body }, keys.current(wallMs), settings, wallMs);
    return { "x-amz-content-sha256": signed["x-amz-content-sha256"], ...signature };
  }

  /** @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
  #webhookSignature({ key, body }: Unsigned, wallMs: number): Record<string, string> {
    if (this.#webhookKey === undefined) return {};
    const time = String(Math.floor(wallMs / 1000));
    const hmac = createHmac("sha256", this.#webhookKey).update(`${key}.${time}.`).update(body);
    return { "webhook-id": key, "webhook-timestamp": time, "webhook-signature": `v1,${hmac.digest("base64")}` };
  }
}

/** The bytes of a secret of webhooks: base64 behind "whsec_", or the text itself. */
function webhookKey(secret: string): Buffer {
  const base64 = /^whsec_(.*)$/.exec(secret)?.[1];
  return base64 === undefined ? Buffer.from(secret) : Buffer.from(base64, "base64");
}

function authorization(auth: HttpSettings["auth"]): Record<string, string> {
  if (auth === undefined || "sigv4" in auth) return {};
  if ("bearer" in auth) return { authorization: `Bearer ${readSecret(auth.bearer)}` };
  if ("token" in auth) return { authorization: `Token ${readSecret(auth.token)}` };
  const both = Buffer.from(`${auth.username}:${readSecret(auth.password)}`).toString("base64");
  return { authorization: `Basic ${both}` };
}
