import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/**
 * What the storage does to requests: `"errors"` answers 503 without doing what was asked, `"cut"` does it and breaks the
 * connection in the middle of the answer, `"unreachable"` refuses connections, a number delays every answer by so many ms.
 */
export type Mood = "well" | "errors" | "cut" | "unreachable" | number;

const SLOW_DOWN =
  '<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Slow down</Message></Error>';

/** Stands between a job and an S3 server, and has moods. */
export class StorageProxy {
  readonly endpoint: string;
  /** How many requests have met another mood than `"well"`. */
  troubled = 0;
  /** The next answer to a request like this, `METHOD PATH`, is cut off. */
  cutsNext: RegExp | undefined;
  readonly #port: number;
  readonly #target: URL;
  #server: Server;
  #mood: Mood = "well";
  #change: Promise<void> = Promise.resolve();

  private constructor(server: Server, target: URL) {
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
    this.#target = target;
    this.endpoint = `http://127.0.0.1:${this.#port}`;
    this.#serve();
  }

  static async start(target: string): Promise<StorageProxy> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new StorageProxy(server, new URL(target));
  }

  /** Requests that are under way meet the new mood at their answers. */
  become(mood: Mood): Promise<void> {
    this.#mood = mood;
    this.#change = this.#change.then(() => (mood === "unreachable" ? this.stop() : this.#listen()));
    return this.#change;
  }

  async #listen(): Promise<void> {
    if (this.#server.listening) return;
    this.#server = createServer().listen(this.#port, "127.0.0.1");
    this.#serve();
    await once(this.#server, "listening");
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #serve(): void {
    this.#server.on("request", (incoming, answer) => {
      this.#handle(incoming, answer).catch(() => answer.destroy());
    });
  }

  async #handle(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    if (this.#mood !== "well") this.troubled += 1;
    if (this.#mood === "errors") {
      incoming.resume();
      await once(incoming, "end");
      answer.writeHead(503, { "content-type": "application/xml" }).end(SLOW_DOWN);
      return;
    }
    const { status, headers, body } = await this.#forward(incoming);
    if (typeof this.#mood === "number") await delay(this.#mood, undefined, { ref: false });
    answer.writeHead(status, headers);
    if (this.#mood !== "cut" && !this.#cuts(incoming)) {
      answer.end(body);
      return;
    }
    answer.flushHeaders();
    answer.write(body.subarray(0, body.length / 2), () => answer.destroy());
  }

  #cuts({ method, url }: IncomingMessage): boolean {
    if (this.cutsNext?.test(`${method} ${url}`) !== true) return false;
    this.cutsNext = undefined;
    return true;
  }

  async #forward(incoming: IncomingMessage) {
    const { method, url: path, headers } = incoming;
    const { hostname, port } = this.#target;
    const outgoing = request({ hostname, port, method, path, headers });
    incoming.pipe(outgoing);
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part);
    return { status: response.statusCode ?? 502, headers: response.headers, body: Buffer.concat(parts) };
  }
}
