import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalServer } from "./local-server.js";
import { classPath } from "./maven.js";
import { ROOT } from "./paths.js";
import { freePorts } from "./ports.js";

const POM = join(ROOT, "test/servers/s3/pom.xml");
const BUCKET = "checkpoints";

/** An S3 server with one bucket, on its own port and a fresh directory. It takes any credentials. */
export class S3Server extends LocalServer {
  /** What a client has to find in its environment. */
  static readonly credentials = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" };
  readonly bucket = BUCKET;

  static async start(): Promise<S3Server> {
    const jars = await classPath("s3", POM);
    const [port, secure] = await freePorts(2);
    const directory = await mkdtemp(join(tmpdir(), "millrace-s3-"));
    const settings = {
      "server.port": secure,
      "com.adobe.testing.s3mock.http-port": port,
      "com.adobe.testing.s3mock.store.root": directory,
    };
    const java = ["-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", jars];
    const flags = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
    const args = [...java, "org.springframework.boot.loader.launch.JarLauncher", ...flags];
    const server = new S3Server("S3", `http://127.0.0.1:${port}`, directory, { command: "java", args });
    await server.ready();
    return server;
  }

  protected async answers(): Promise<boolean> {
    const { ok, status } = await fetch(`${this.url}/${BUCKET}`, { method: "PUT" });
    // After a restart it is there already.
    return ok || status === 409;
  }
}
