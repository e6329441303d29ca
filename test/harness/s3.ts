import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { classPath } from "./maven.js";
import { ROOT } from "./paths.js";
import { freePorts } from "./ports.js";
import { Child } from "./process.js";
import { ready } from "./ready.js";

const POM = join(ROOT, "test/servers/s3/pom.xml");
const BUCKET = "checkpoints";

/** An S3 server with one bucket, on its own port and a fresh directory. It takes any credentials. */
export class S3Server {
  /** What a client has to find in its environment. */
  static readonly credentials = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
  readonly endpoint: string;
  readonly bucket = BUCKET;
  #directory: string;
  #server: Child;

  private constructor([port, secure]: [number, number], directory: string, jars: string) {
    this.endpoint = `http://127.0.0.1:${port}`;
    this.#directory = directory;
    const settings = {
      "server.port": secure,
      "com.adobe.testing.s3mock.http-port": port,
      "com.adobe.testing.s3mock.store.root": directory,
    };
    const java = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", jars];
    const flags = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
    const args = [...java, "org.springframework.boot.loader.launch.JarLauncher", ...flags];
    this.#server = new Child({ command: "java", args });
  }

  static async start(): Promise<S3Server> {
    const jars = await classPath("s3", POM);
    const ports = (await freePorts(2)) as [number, number];
    const server = new S3Server(ports, await mkdtemp(join(tmpdir(), "millrace-s3-")), jars);
    await server.#ready();
    return server;
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #ready(): Promise<void> {
    return ready(`S3 at ${this.endpoint}`, this, this.#server, async () => {
      const made = await fetch(`${this.endpoint}/${BUCKET}`, { method: "PUT" }).catch(() => undefined);
      return made?.ok;
    });
  }
}
