import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { MongoClient } from "mongodb";
import { cached } from "./maven.js";
import { ROOT } from "./paths.js";
import { freePorts } from "./ports.js";
import { Child } from "./process.js";
import { ready } from "./ready.js";

const run = promisify(execFile);

const FOLDER = join(ROOT, "test/servers/mongodb");
const POM = join(FOLDER, "pom.xml");
const MAIN = join(FOLDER, "Server.java");

/** A stand-in for MongoDB, which speaks its protocol, on a port of its own. It has no change streams, replica sets and users. */
export class MongoServer {
  readonly url: string;
  client: MongoClient;
  readonly #port: number;
  /** Where it keeps documents; without, in memory. */
  readonly #directory: string | undefined;
  readonly #jars: string;
  #server: Child;

  private constructor(port: number, directory: string | undefined, jars: string) {
    this.url = `mongodb://127.0.0.1:${port}`;
    this.client = this.#newClient();
    this.#port = port;
    this.#directory = directory;
    this.#jars = jars;
    this.#server = this.#launch();
  }

  /** `keeps`: its documents survive a kill, for which writes are slower. */
  static async start({ keeps = false } = {}): Promise<MongoServer> {
    const jars = await cached("servers", "mongodb", [POM, MAIN], async (into) => {
      await run("mvn", ["-q", "-B", "-f", POM, "dependency:copy-dependencies", `-DoutputDirectory=${into}`]);
      await run("javac", ["-cp", join(into, "*"), "-d", into, MAIN]);
    });
    const [port] = (await freePorts(1)) as [number];
    const directory = keeps ? await mkdtemp(join(tmpdir(), "millrace-mongodb-")) : undefined;
    const server = new MongoServer(port, directory, jars);
    await server.#ready();
    return server;
  }

  /** Leaves connections open and answers nothing any more. */
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

  /** Starts it again after a kill, on the same port and with what it has kept. */
  async restart(): Promise<void> {
    this.#server = this.#launch();
    await this.#ready();
  }

  async stop(): Promise<void> {
    await this.client.close();
    await this.#server.stop();
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true });
  }

  #launch(): Child {
    const java = ["-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
    const classPath = `${this.#jars}:${join(this.#jars, "*")}`;
    const kept = this.#directory === undefined ? [] : [join(this.#directory, "documents")];
    return new Child({ command: "java", args: [...java, "-cp", classPath, "Server", String(this.#port), ...kept] });
  }

  #newClient(): MongoClient {
    return new MongoClient(this.url, { serverSelectionTimeoutMS: 1000, useBigInt64: true });
  }

  #ready(): Promise<void> {
    return ready(`the stand-in for MongoDB at ${this.url}`, this, this.#server, async () => {
      const client = await this.client.connect().catch(() => undefined);
      // A client that has not found its server once never does.
      if (client === undefined) this.client = this.#newClient();
      return client
        ?.db("admin")
        .command({ ping: 1 })
        .catch(() => undefined);
    });
  }
}
