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
  readonly #directory: string;
  readonly #launch: () => Child;
  #server: Child;

  private constructor([port, secure]: [number, number], directory: string, jars: string) {
    this.endpoint = `http://127.0.0.1:${port}`;
    this.#directory = directory;
    const settings = {
      "server.port": secure,
      "com.adobe.testing.s3mock.http-port": port,
      "com.adobe.testing.s3mock.store.root": directory,
    };
    const java = ["-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", jars];
    const flags = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
    const args = [...java, "org.springframework.boot.loader.launch.JarLauncher", ...flags];
    this.#launch = () => new Child({ command: "java", args });
    this.#server = this.#launch();
  }

  static async start(): Promise<S3Server> {
    const jars = await classPath("s3", POM);
    const ports = (await freePorts(2)) as [number, number];
    const server = new S3Server(ports, await mkdtemp(join(tmpdir(), "millrace-s3-")), jars);
    await server.#ready();
    return server;
  }

  /** Stops the server, without its knowing: connections stay open and nothing is answered. */
  pause(): void {
    this.#server.signal("SIGSTOP");
  }

  resume(): void {
    this.#server.signal("SIGCONT");
  }

  async kill(): Promise<void> {
    this.#server.signal("SIGKILL");
    await this.#server.exited();
  }

  /** Starts it again after a kill, on the same ports and with what it had. */
  async restart(): Promise<void> {
    this.#server = this.#launch();
    await this.#ready();
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #ready(): Promise<void> {
    return ready(`S3 at ${this.endpoint}`, this, this.#server, async () => {
      const made = await fetch(`${this.endpoint}/${BUCKET}`, { method: "PUT" }).catch(() => undefined);
      // After a restart it is there already.
      return made?.ok || made?.status === 409;
    });
  }
}
