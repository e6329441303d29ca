import type { Columns } from "../expr/expr.js";
import type { Shape } from "../schema/type.js";
import type { RecordPart, Sink } from "./connector.js";
import { type HttpConnection, httpSink } from "./http.js";
import type { Secret } from "./secret.js";

/**
 * Where rows go as webhooks, and what they are signed with.
 *
 * ```ts
 * import { env, schema, t, type WebhookOptions, webhook } from "millrace";
 * const Alert = schema({ sensor: t.string(), celsius: t.float64() });
 * const options: WebhookOptions<typeof Alert.shape> = {
 *   url: "https://hooks.example/alerts",
 *   secret: env("WEBHOOK_SECRET", ""),
 *   requestsPerSecond: 10,
 * };
 * const sink = webhook(options);
 * ```
 */
export interface WebhookOptions<S extends Shape> extends HttpConnection {
  /**
   * Signs requests as Standard Webhooks has it, in the header `webhook-signature`: a text, or base64 behind "whsec_".
   */
  readonly secret?: Secret;
  /** Chooses the endpoint: rows of the same key go to the same. */
  readonly key?: (row: Columns<S>) => RecordPart;
}

/**
 * Posts each row as a JSON object, or, with `batch.rows` of more than one, an array of rows. `Idempotency-Key` is the same at
 * each attempt.
 *
 * ```ts
 * import { generator, job, webhook } from "millrace";
 * export default job("large-bids", (j) =>
 *   j
 *     .source(generator.bids({ rate: 100 }))
 *     .filter((bid) => bid.price.gt(9_000_000))
 *     .to(webhook({ url: "https://hooks.example/large-bids" })),
 * );
 * ```
 */
export function webhook<S extends Shape>(options: WebhookOptions<S>): Sink<S> {
  const { secret, key } = options;
  const batch = { rows: 1, ...options.batch };
  return httpSink(
    "webhook",
    { concurrency: 8, ...options, batch },
    {
      method: "POST",
      body: batch.rows === 1 ? "lines" : "array",
      contentType: "application/json",
      dialect: "plain",
      webhookSecret: secret,
      ...(key === undefined ? {} : { key }),
    },
  );
}
