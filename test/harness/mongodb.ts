import { execFile } from "node:child_process";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { MongoClient } from "mongodb";
import type { Certificate } from "./certificate.js";
import { LocalServer } from "./local-server.js";
import { cached } from "./maven.js";
import { ROOT } from "./paths.js";
import { freePorts } from "./ports.js";
import type { Command } from "./process.js";

const run = promisify(execFile);

const FOLDER = join(ROOT, "test/servers/mongodb");
const POM = join(FOLDER, "pom.xml");
const MAIN = join(FOLDER, "Server.java");

/** A stand-in for MongoDB, which speaks its protocol, on a port of its own. It has no change streams, replica sets and users. */
export class MongoServer extends LocalServer {
  client: MongoClient;
  readonly #tls: Certificate | undefined;

  private constructor(url: string, directory: string, command: Command, tls: Certificate | undefined) {
    super("the stand-in for MongoDB", url, directory, command);
    this.#tls = tls;
    this.client = this.#newClient();
  }

  /** `keeps`: its documents survive a kill, for which writes are slower. With a certificate it speaks TLS alone. */
  static async start({ keeps = false, tls }: { keeps?: boolean; tls?: Certificate } = {}): Promise<MongoServer> {
    const jars = await cached("servers", "mongodb", [POM, MAIN], async (into) => {
      await run("mvn", ["-q", "-B", "-f", POM, "dependency:copy-dependencies", `-DoutputDirectory=${into}`]);
      await run("javac", ["-cp", join(into, "*"), "-d", into, MAIN]);
    });
    const [port] = await freePorts(1);
    const directory = await mkdtemp(join(tmpdir(), "millrace-mongodb-"));
    const java = ["-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", `${jars}:${join(jars, "*")}`];
    const options = keeps ? [`-Ddocuments=${join(directory, "documents")}`] : [];
    if (tls !== undefined) {
      const [key, certificate] = [join(directory, "key.pem"), join(directory, "certificate.pem")];
      await Promise.all([writeFile(key, tls.key), writeFile(certificate, tls.certificate)]);
      options.push(`-Dkey=${key}`, `-Dcertificate=${certificate}`);
    }
    const args = [...java, ...options, "Server", String(port)];
    const url = `mongodb://127.0.0.1:${port}`;
    const server = new MongoServer(url, directory, { command: "java", args }, tls);
    await server.ready();
    return server;
  }

  override async stop(): Promise<void> {
    await this.client.close();
    await super.stop();
  }

  protected async answers(): Promise<unknown> {
    const client = await this.client.connect().catch(() => undefined);
    // A client that has not found its server once never does.
    if (client === undefined) this.client = this.#newClient();
    return client?.db("admin").command({ ping: 1 });
  }

  #newClient(): MongoClient {
    const tls = this.#tls === undefined ? {} : { tls: true, ca: this.#tls.certificate };
    return new MongoClient(this.url, { serverSelectionTimeoutMS: 1000, useBigInt64: true, ...tls });
  }
}
