import { Pool } from "undici";
import { readPem } from "../calling/pem.js";
import type { Reply } from "./reply.js";
import type { HttpSettings } from "./settings.js";

export interface Message {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Connections to one endpoint. */
export interface Transport {
  /** @throws where there is no whole answer, or `signal` breaks it off */
  send(message: Message, signal?: AbortSignal): Promise<Reply>;
  /** Lets go of all connections; what is on its way fails. */
  close(): Promise<void>;
}

/** No answer about a batch of rows is longer. */
const LONGEST_ANSWER_BYTES = 64 << 20;

/** @throws when a file of certificates cannot be read */
export function undiciTransport(origin: string, settings: HttpSettings): Transport {
  const { concurrency, connectTimeout, responseTimeout, tls, hedge } = settings;
  const pool = new Pool(origin, {
    // A second request does not wait for the connection of the first.
    connections: hedge === undefined ? concurrency : 2 * concurrency,
    pipelining: 1,
    connect: { timeout: connectTimeout, ...readPem(tls ?? {}) },
    headersTimeout: responseTimeout,
    bodyTimeout: responseTimeout,
    maxResponseSize: LONGEST_ANSWER_BYTES,
  });
  return {
    async send({ method, path, headers, body }, signal) {
      const request = { method: method as "POST", path, headers, body };
      const answer = await pool.request(signal === undefined ? request : { ...request, signal });
      const after = answer.headers["retry-after"];
      return {
        status: answer.statusCode,
        retryAfter: typeof after === "string" ? after : after?.[0],
        text: await answer.body.text(),
      };
    },
    close: () => pool.destroy(),
  };
}
