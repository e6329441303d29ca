import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createSecureServer } from "node:https";
import { gunzipSync } from "node:zlib";
import type { Certificate } from "./certificate.js";
import { freePorts } from "./ports.js";

/** One request as it came. */
export interface Taken {
  readonly headers: IncomingHttpHeaders;
  readonly path: string;
  readonly rows: readonly string[];
}

/** What an endpoint does with a request: take it, answer with a status, say nothing, or break off its answer in the middle. */
export type Reaction =
  | "take"
  | "hang"
  | "cut"
  | { readonly status: number; readonly retryAfter?: string; readonly text?: string };

/** An HTTP server that keeps the rows it has taken, each as a text, and fails as it is told. */
export class HttpEndpoint {
  /** Decides over each request; `n` counts them from 0. */
  react: (taken: Taken, n: number) => Reaction = () => "take";
  /** The rows of a body: a line each, unless it is told otherwise. */
  read: (body: Buffer) => readonly string[] | Promise<readonly string[]> = (body) =>
    body.toString().trimEnd().split("\n");
  /** Requests whose rows count, those among them whose answer was broken off. */
  readonly taken: Taken[] = [];
  /** How many requests came, whatever became of them. */
  requests = 0;
  /** How many rows count. */
  rowCount = 0;
  #server: Server | undefined;

  private constructor(
    readonly port: number,
    /** Of the endpoint, and of its clients: mutual TLS. */
    private readonly certificate: Certificate | undefined,
  ) {}

  static async start(count: number, certificate?: Certificate): Promise<HttpEndpoint[]> {
    const endpoints = (await freePorts(count)).map((port) => new HttpEndpoint(port, certificate));
    await Promise.all(endpoints.map((endpoint) => endpoint.start()));
    return endpoints;
  }

  get url(): string {
    return `${this.certificate === undefined ? "http" : "https"}://127.0.0.1:${this.port}/rows`;
  }

  get rows(): string[] {
    return this.taken.flatMap(({ rows }) => rows);
  }

  async start(): Promise<void> {
    const serve = (request: IncomingMessage, response: ServerResponse) => this.#serve(request, response);
    const { key, certificate: cert } = this.certificate ?? {};
    const server =
      cert === undefined
        ? createServer(serve)
        : createSecureServer({ key, cert, ca: cert, requestCert: true, rejectUnauthorized: true }, serve);
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.port, "127.0.0.1", () => resolve());
    });
  }

  /** Breaks every connection, in the middle of what it does. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await new Promise((resolve) => {
      if (server === undefined) return resolve(undefined);
      server.close(resolve);
      server.closeAllConnections();
    });
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => {});
    request.on("end", async () => {
      const body = Buffer.concat(chunks);
      const rows = await this.read(request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body);
      const taken = { headers: request.headers, path: String(request.url), rows };
      this.#answer(taken, this.react(taken, this.requests++), response);
    });
  }

  #answer(taken: Taken, reaction: Reaction, response: ServerResponse): void {
    if (reaction === "hang") return;
    if (typeof reaction === "object") {
      const { status, retryAfter, text = "" } = reaction;
      response.writeHead(status, retryAfter === undefined ? {} : { "retry-after": retryAfter }).end(text);
      return;
    }
    this.taken.push(taken);
    this.rowCount += taken.rows.length;
    if (reaction === "take") {
      response.writeHead(200, { "content-length": 2 }).end("ok");
      return;
    }
    response.writeHead(200, { "content-length": 100 });
    response.write("half", () => response.destroy());
  }
}
