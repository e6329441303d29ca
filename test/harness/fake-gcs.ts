import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalServer } from "./local-server.js";
import { freePorts } from "./ports.js";
import { goProgram } from "./programs.js";

const MODULE = "github.com/fsouza/fake-gcs-server@v1.56.1";
const BUCKET = "lake";

/** An emulator of Google's Cloud Storage, with one bucket, on its own port and a fresh directory. It knows no multipart uploads. */
export class FakeGcs extends LocalServer {
  readonly bucket = BUCKET;

  static async start(): Promise<FakeGcs> {
    const command = await goProgram(MODULE);
    const [port] = await freePorts(1);
    const directory = await mkdtemp(join(tmpdir(), "millrace-gcs-"));
    const url = `http://127.0.0.1:${port}`;
    const options = {
      scheme: "http",
      host: "127.0.0.1",
      port,
      "external-url": url,
      "public-host": `127.0.0.1:${port}`,
      backend: "filesystem",
      "filesystem-root": directory,
      "log-level": "warn",
    };
    const args = Object.entries(options).map(([name, value]) => `-${name}=${value}`);
    const server = new FakeGcs("fake-gcs-server", url, directory, { command, args });
    await server.ready();
    return server;
  }

  /** Names of all objects that begin so. */
  async names(prefix: string): Promise<string[]> {
    const text = await this.ask(`/storage/v1/b/${BUCKET}/o?${new URLSearchParams({ prefix })}`);
    const { items = [] } = JSON.parse(text) as { items?: { name: string }[] };
    return items.map(({ name }) => name);
  }

  async read(name: string): Promise<Buffer> {
    const answer = await fetch(`${this.url}/storage/v1/b/${BUCKET}/o/${encodeURIComponent(name)}?alt=media`);
    if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
    return Buffer.from(await answer.arrayBuffer());
  }

  async write(name: string, content: Buffer): Promise<void> {
    const parameters = new URLSearchParams({ uploadType: "media", name });
    await this.ask(`/upload/storage/v1/b/${BUCKET}/o?${parameters}`, { method: "POST", body: new Uint8Array(content) });
  }

  protected async answers(): Promise<unknown> {
    const made = await fetch(`${this.url}/storage/v1/b?project=test`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: BUCKET }),
    });
    // It is there after a restart.
    return made.ok || made.status === 409 ? made : undefined;
  }
}
