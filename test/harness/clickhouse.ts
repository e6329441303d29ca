import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetchAnew } from "./fetch-anew.js";
import { freePorts } from "./ports.js";
import { Child } from "./process.js";
import { ready } from "./ready.js";

const USER = "millrace";
const PASSWORD = "a password";

/** A ClickHouse server on its own ports and a fresh directory, with one user. */
export class ClickHouse {
  readonly user = USER;
  readonly password = PASSWORD;
  readonly url: string;
  readonly #directory: string;
  #server: Child;

  private constructor(ports: readonly number[], directory: string) {
    this.url = `http://127.0.0.1:${ports[0]}`;
    this.#directory = directory;
    this.#server = this.#launch();
  }

  static async start(): Promise<ClickHouse> {
    const directory = await mkdtemp(join(tmpdir(), "millrace-clickhouse-"));
    const ports = await freePorts(3);
    await configure(directory, ports);
    const server = new ClickHouse(ports, directory);
    await server.#ready();
    return server;
  }

  /** Runs a statement; gives the rows of a SELECT. */
  async query<T = Record<string, unknown>>(sql: string): Promise<T[]> {
    const statement = /^\s*select/i.test(sql) ? `${sql} FORMAT JSONEachRow` : sql;
    const authorization = `Basic ${Buffer.from(`${this.user}:${this.password}`).toString("base64")}`;
    const answer = await fetchAnew(this.url, { method: "POST", body: statement, headers: { authorization } });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${sql}: ${text}\n${this.#server.log}`);
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as T);
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

  #launch(): Child {
    const config = join(this.#directory, "config.xml");
    return new Child({ command: "clickhouse-server", args: [`--config-file=${config}`], cwd: this.#directory });
  }

  #ready(): Promise<void> {
    return ready(`ClickHouse at ${this.url}`, this, this.#server, () => this.query("SELECT 1").catch(() => undefined));
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
