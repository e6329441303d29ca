import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalServer } from "./local-server.js";
import { classPath } from "./maven.js";
import { ROOT } from "./paths.js";
import { freePorts } from "./ports.js";

const POM = join(ROOT, "test/servers/questdb/pom.xml");

/** A QuestDB server with its HTTP port and a fresh directory. */
export class QuestDb extends LocalServer {
  static async start(): Promise<QuestDb> {
    const jars = await classPath("questdb", POM);
    const [port] = await freePorts(1);
    const directory = await mkdtemp(join(tmpdir(), "millrace-questdb-"));
    const settings = {
      "http.bind.to": `127.0.0.1:${port}`,
      "http.min.enabled": false,
      "line.tcp.enabled": false,
      "pg.enabled": false,
      "telemetry.enabled": false,
      "shared.worker.count": 1,
    };
    await mkdir(join(directory, "conf"));
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(join(directory, "conf/server.conf"), lines.join(""));
    const java = ["-Xmx512m", "-XX:+UseSerialGC", "-cp", jars, "io.questdb.ServerMain", "-d", directory];
    const command = { command: "java", args: java };
    const server = new QuestDb("QuestDB", `http://127.0.0.1:${port}`, directory, command);
    await server.ready();
    return server;
  }

  /** Runs a statement; gives the rows of a SELECT, each as its values. */
  async query(sql: string): Promise<unknown[][]> {
    const answer = JSON.parse(await this.ask(`/exec?query=${encodeURIComponent(sql)}`));
    return answer.dataset ?? [];
  }

  protected answers(): Promise<unknown> {
    return this.query("SELECT 1");
  }
}
