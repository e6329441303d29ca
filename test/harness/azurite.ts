import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { copyFile, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { LocalServer } from "./local-server.js";
import { cached } from "./maven.js";
import { ROOT } from "./paths.js";
import { freePorts } from "./ports.js";

const PACKAGE = join(ROOT, "test/servers/azurite/package.json");
const CONTAINER = "lake";

/** The account that Azurite has of itself. */
const ACCOUNT = "devstoreaccount1";
const KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/** Microsoft's emulator of Azure's blobs, with one container, on its own port and a fresh directory. */
export class Azurite extends LocalServer {
  /** What a client has to find in its environment. */
  static readonly credentials = { AZURE_STORAGE_ACCOUNT: ACCOUNT, AZURE_STORAGE_KEY: KEY };
  readonly container = CONTAINER;

  static async start(): Promise<Azurite> {
    const packages = await cached("servers", "azurite", [PACKAGE], async (folder) => {
      await copyFile(PACKAGE, join(folder, "package.json"));
      await promisify(execFile)("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: folder });
    });
    const [port] = await freePorts(1);
    const directory = await mkdtemp(join(tmpdir(), "millrace-azurite-"));
    const main = join(packages, "node_modules/azurite/dist/src/blob/main.js");
    const options = [
      "--blobPort",
      String(port),
      "--location",
      directory,
      "--skipApiVersionCheck",
      "--disableTelemetry",
    ];
    const command = { command: process.execPath, args: [main, ...options, "--silent"] };
    const server = new Azurite("Azurite", `http://127.0.0.1:${port}/${ACCOUNT}`, directory, command);
    await server.ready();
    return server;
  }

  /** Names of all blobs that begin so. */
  async names(prefix: string): Promise<string[]> {
    const query = { comp: "list", prefix, restype: "container" };
    const listed = await (await this.#request("GET", "", query)).text();
    return [...listed.matchAll(/<Name>([^<]+)<\/Name>/g)].map(([, name]) => name as string);
  }

  async read(name: string): Promise<Buffer> {
    return Buffer.from(await (await this.#request("GET", name)).arrayBuffer());
  }

  async write(name: string, content: Buffer): Promise<void> {
    await this.#request("PUT", name, {}, content);
  }

  protected answers(): Promise<unknown> {
    return this.#request("PUT", "", { restype: "container" });
  }

  /** A request for a blob, or the container where it has no name, signed as Azure wants it. */
  async #request(method: string, name: string, query: Record<string, string> = {}, body?: Buffer): Promise<Response> {
    const encoded = name.split("/").map(encodeURIComponent).join("/");
    const path = encoded === "" ? `/${CONTAINER}` : `/${CONTAINER}/${encoded}`;
    const headers: Record<string, string> = {
      "x-ms-blob-type": "BlockBlob",
      "x-ms-date": new Date().toUTCString(),
      "x-ms-version": "2023-11-03",
    };
    const sorted = Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1));
    const length = body === undefined || body.length === 0 ? "" : String(body.length);
    const signed = [
      ...[method, "", "", length, "", "", "", "", "", "", "", ""],
      ...Object.entries(headers).map(([header, value]) => `${header}:${value}`),
      `/${ACCOUNT}/${ACCOUNT}${path}`,
      ...sorted.map(([key, value]) => `${key}:${value}`),
    ].join("\n");
    const signature = createHmac("sha256", Buffer.from(KEY, "base64")).update(signed, "utf8").digest("base64");
    const answer = await fetch(`${this.url}${path}?${new URLSearchParams(sorted)}`, {
      method,
      headers: { ...headers, authorization: `SharedKey ${ACCOUNT}:${signature}` },
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    });
    // The container is there after a restart.
    if (!answer.ok && answer.status !== 409)
      throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }
}
