import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalServer } from "./local-server.js";
import { ROOT } from "./paths.js";
import { freePorts } from "./ports.js";
import { pythonPackages } from "./programs.js";

/** ClickHouse's engine as it is today, which there is no package of a server of: chdb, behind a small HTTP front. */
export class Chdb extends LocalServer {
  static async start(): Promise<Chdb> {
    const packages = await pythonPackages("chdb", ["chdb==4.4.0", "chdb-core==26.9.0"]);
    const [port] = await freePorts(1);
    const directory = await mkdtemp(join(tmpdir(), "millrace-chdb-"));
    const args = [join(ROOT, "test/servers/clickhouse-front.py"), String(port), directory];
    const env = { PYTHONPATH: packages };
    const server = new Chdb("chdb", `http://127.0.0.1:${port}`, directory, { command: "python3", args, env });
    await server.ready();
    return server;
  }

  /** Runs a statement; gives the rows of a SELECT. */
  async query<T = Record<string, unknown>>(sql: string): Promise<T[]> {
    const statement = /^\s*select/i.test(sql) ? `${sql} FORMAT JSONEachRow` : sql;
    const text = await this.ask("/", { method: "POST", body: statement });
    const lines = text.split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as T);
  }

  protected answers(): Promise<unknown> {
    return this.query("SELECT 1 AS one");
  }
}
