import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.js";
import { LocalServer } from "./local-server.js";
import { freePorts } from "./ports.js";
import { goProgram } from "./programs.js";

const MODULE = "github.com/influxdata/influxdb/cmd/influxd@v1.8.10";

/** An InfluxDB server of version 1.8, which has the write interfaces of versions 1 and 2, with one database. */
export class InfluxDb extends LocalServer {
  readonly database = "rows";

  static async start(): Promise<InfluxDb> {
    const program = await goProgram(MODULE);
    const [http, rpc] = await freePorts(2);
    const directory = await mkdtemp(join(tmpdir(), "millrace-influxdb-"));
    const config = `
      reporting-disabled = true
      bind-address = "127.0.0.1:${rpc}"
      [meta]
      dir = "${directory}/meta"
      [data]
      dir = "${directory}/data"
      wal-dir = "${directory}/wal"
      [http]
      bind-address = "127.0.0.1:${http}"
      log-enabled = false
    `;
    await writeFile(join(directory, "influxdb.conf"), config);
    const command = { command: program, args: ["run", "-config", join(directory, "influxdb.conf")] };
    const server = new InfluxDb("InfluxDB", `http://127.0.0.1:${http}`, directory, command);
    await server.ready();
    await server.query(`CREATE DATABASE ${server.database}`);
    return server;
  }

  /** Runs a statement; gives the values of its first series, the time first. */
  async query(text: string): Promise<unknown[][]> {
    const body = new URLSearchParams({ q: text, db: this.database, epoch: "ms" });
    // After it has stood still it may answer with nothing at all.
    const ask = async () => (await this.ask("/query", { method: "POST", body })) || undefined;
    const { results } = JSON.parse(await eventually(ask, { what: "an answer of InfluxDB", detail: () => this.log }));
    if (results?.[0]?.error !== undefined) throw new Error(results[0].error);
    return results?.[0]?.series?.[0]?.values ?? [];
  }

  async write(lines: string): Promise<void> {
    await this.ask(`/write?db=${this.database}`, { method: "POST", body: lines });
  }

  protected answers(): Promise<unknown> {
    return this.ask("/ping").then(() => true);
  }
}
