import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalServer } from "./local-server.js";
import { freePorts } from "./ports.js";

const USER = "millrace";
const PASSWORD = "a password";

/** A ClickHouse server on its own ports and a fresh directory, with one user. */
export class ClickHouse extends LocalServer {
  readonly user = USER;
  readonly password = PASSWORD;

  static async start(): Promise<ClickHouse> {
    const directory = await mkdtemp(join(tmpdir(), "millrace-clickhouse-"));
    const ports = await freePorts(3);
    await configure(directory, ports);
    const args = [`--config-file=${join(directory, "config.xml")}`];
    const command = { command: "clickhouse-server", args, cwd: directory };
    const server = new ClickHouse("ClickHouse", `http://127.0.0.1:${ports[0]}`, directory, command);
    await server.ready();
    return server;
  }

  /** Runs a statement; gives the rows of a SELECT. */
  async query<T = Record<string, unknown>>(sql: string): Promise<T[]> {
    const statement = /^\s*select/i.test(sql) ? `${sql} FORMAT JSONEachRow` : sql;
    const authorization = `Basic ${Buffer.from(`${this.user}:${this.password}`).toString("base64")}`;
    const path = `/?query=${encodeURIComponent(statement)}`;
    const text = await this.ask(path, { method: "POST", headers: { authorization } });
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as T);
  }

  protected answers(): Promise<unknown> {
    return this.query("SELECT 1");
  }
}

async function configure(directory: string, ports: readonly number[]): Promise<void> {
  const [http, tcp, interserver] = ports;
  const folders = { path: "data/", tmp_path: "tmp/", user_files_path: "files/", format_schema_path: "formats/" };
  await Promise.all(Object.values(folders).map((folder) => mkdir(join(directory, folder))));
  const paths = Object.entries(folders).map(([name, folder]) => `<${name}>${join(directory, folder)}/</${name}>`);
  await writeFile(
    join(directory, "config.xml"),
    `<?xml version="1.0"?><yandex>
      <logger><level>warning</level><console>1</console></logger>
      <listen_host>127.0.0.1</listen_host>
      <http_port>${http}</http_port><tcp_port>${tcp}</tcp_port><interserver_http_port>${interserver}</interserver_http_port>
      ${paths.join("\n")}
      <users_config>users.xml</users_config>
      <default_profile>default</default_profile><default_database>default</default_database>
      <mark_cache_size>104857600</mark_cache_size>
    </yandex>`,
  );
  await writeFile(
    join(directory, "users.xml"),
    `<?xml version="1.0"?><yandex>
      <profiles><default></default></profiles>
      <quotas><default></default></quotas>
      <users><${USER}>
        <password>${PASSWORD}</password><networks><ip>127.0.0.1</ip></networks>
        <profile>default</profile><quota>default</quota>
      </${USER}></users>
    </yandex>`,
  );
}
