import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { cached } from "./maven.js";
import { ROOT } from "./paths.js";
import { freePorts } from "./ports.js";
import { Child } from "./process.js";
import { ready } from "./ready.js";

const run = promisify(execFile);
const POM = join(ROOT, "test/servers/schema-registry/pom.xml");

/** Apicurio's registry, in memory, on its own port. */
export class SchemaRegistryServer {
  /** Where it answers as Confluent's does. */
  readonly url: string;
  #server: Child;

  private constructor(port: number, management: number, folder: string) {
    this.url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
    const java = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
    const settings = [
      "-Dquarkus.http.host=127.0.0.1",
      `-Dquarkus.http.port=${port}`,
      `-Dquarkus.management.port=${management}`,
    ];
    const classPath = `${join(folder, "*")}:${join(folder, "lib", "*")}`;
    const args = [...java, ...settings, "-cp", classPath, "io.quarkus.runner.GeneratedMain"];
    this.#server = new Child({ command: "java", args });
  }

  static async start(): Promise<SchemaRegistryServer> {
    const folder = await cached("servers", "schema-registry", [POM], async (into) => {
      // Without a marker of its own, Maven takes what it has unpacked elsewhere for done.
      const to = [`-DoutputDirectory=${into}`, `-DmarkersDirectory=${join(into, "markers")}`];
      await run("mvn", ["-q", "-B", "-f", POM, "dependency:unpack-dependencies", ...to]);
    });
    const [port, management] = (await freePorts(2)) as [number, number];
    const server = new SchemaRegistryServer(port, management, folder);
    await server.#ready();
    return server;
  }

  stop(): Promise<void> {
    return this.#server.stop().then(() => undefined);
  }

  #ready(): Promise<void> {
    return ready(`the schema registry at ${this.url}`, this, this.#server, async () => {
      const answer = await fetch(`${this.url}/subjects`).catch(() => undefined);
      return answer?.ok;
    });
  }
}
