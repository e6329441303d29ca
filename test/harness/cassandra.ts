import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type cassandra from "cassandra-driver";
import type { Certificate } from "./certificate.js";
import { LocalServer } from "./local-server.js";
import { classPath } from "./maven.js";
import { ROOT } from "./paths.js";
import { freePorts, listens } from "./ports.js";
import type { Command } from "./process.js";

const POM = join(ROOT, "test/servers/cassandra/pom.xml");
// The package is the connectors': the tests use what these use.
const driver = createRequire(join(ROOT, "connectors/package.json"))("cassandra-driver") as typeof cassandra;

/** Whom a node lets in. */
export interface Guard {
  /** The node's own, and the only one that it takes from clients. */
  readonly certificate: Certificate;
}

/** Who may do everything at the start, where there are users. */
const FIRST_USER = { username: "cassandra", password: "cassandra" };

/** Rows that are inserted again where one of them fails. */
const INSERTED = 1000;

/** It takes seven seconds on a machine that does nothing else. */
const READY_WITHIN_MS = 240_000;

/** What Cassandra asks of Java 17, as its own scripts have it. */
const EXPORTS = [
  "java.base/jdk.internal.misc",
  "java.management.rmi/com.sun.jmx.remote.internal.rmi",
  "java.rmi/sun.rmi.registry",
  "java.rmi/sun.rmi.server",
  "java.sql/java.sql",
  "java.base/java.lang.ref",
  "java.base/jdk.internal.ref",
  "jdk.unsupported/sun.misc",
];
const OPENS = [
  "java.base/java.lang.module",
  "java.base/java.lang.reflect",
  "java.base/java.lang",
  "java.base/java.io",
  "java.base/java.net",
  "java.base/java.nio",
  "java.base/java.util",
  "java.base/java.util.concurrent",
  "java.base/java.util.concurrent.atomic",
  "java.base/jdk.internal.loader",
  "java.base/jdk.internal.math",
  "java.base/jdk.internal.module",
  "java.base/jdk.internal.ref",
  "java.base/jdk.internal.reflect",
  "java.base/jdk.internal.util.jar",
  "java.base/sun.nio.ch",
  "jdk.management/com.sun.management.internal",
];

/** Where a node is found. All of a cluster have the same ports, at addresses of their own. */
interface Place {
  readonly address: string;
  readonly native: number;
  readonly storage: number;
}

/** The first node's. */
const SEED = "127.0.0.1";

/** A node of Cassandra, on ports of its own and with a fresh directory. The first one is a cluster by itself. */
export class CassandraServer extends LocalServer {
  readonly dataCenter = "datacenter1";
  readonly keyspace = "tests";
  #client: cassandra.Client | undefined;

  private constructor(
    private readonly place: Place,
    directory: string,
    command: Command,
    private readonly guard: Guard | undefined,
  ) {
    super("Cassandra", `cassandra://${place.address}:${place.native}`, directory, command);
  }

  /** Behind a guard it speaks TLS alone, both sides show certificates, and users have passwords. */
  static async start(guard?: Guard): Promise<CassandraServer> {
    const [native, storage] = (await freePorts(2)) as [number, number];
    const server = await CassandraServer.#launch({ address: SEED, native, storage }, guard);
    const replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}";
    await server.query(`CREATE KEYSPACE ${server.keyspace} WITH replication = ${replication}`);
    return server;
  }

  static async #launch(place: Place, guard: Guard | undefined): Promise<CassandraServer> {
    const jars = await classPath("cassandra", POM);
    const directory = await mkdtemp(join(tmpdir(), "millrace-cassandra-"));
    await configure(directory, place, guard);
    const server = new CassandraServer(place, directory, commandOf(directory, jars), guard);
    await server.ready();
    return server;
  }

  /** Starts another node of the cluster, at another address of this machine. */
  neighbour(address: string): Promise<CassandraServer> {
    return CassandraServer.#launch({ ...this.place, address }, this.guard);
  }

  get address(): string {
    return new URL(this.url).host;
  }

  /** Runs a statement in the keyspace of the tests; gives its rows. */
  async query<T = Record<string, unknown>>(cql: string, params: readonly unknown[] = []): Promise<T[]> {
    const run = () => this.#run<T>(cql, params);
    return await (cql.startsWith("SELECT") ? patiently(run) : run());
  }

  async #run<T>(cql: string, params: readonly unknown[]): Promise<T[]> {
    const client = await this.#connected();
    const prepare = params.length > 0;
    const rows: unknown[] = [];
    const result = await client.execute(cql, [...params], { prepare, fetchSize: 5000, readTimeout: 60_000 });
    for await (const row of result) rows.push({ ...row });
    return rows as T[];
  }

  /** Runs a statement for each list of parameters, many at once. */
  async insert(cql: string, rows: readonly (readonly unknown[])[]): Promise<void> {
    for (let from = 0; from < rows.length; from += INSERTED) {
      const params = rows.slice(from, from + INSERTED).map((row) => [...row]);
      const run = async () =>
        driver.concurrent.executeConcurrent(await this.#connected(), cql, params, { concurrencyLevel: 32 });
      await patiently(run);
    }
  }

  override async kill(): Promise<void> {
    await this.#disconnect();
    await super.kill();
  }

  override async stop(): Promise<void> {
    // It would write down what is in memory; nobody reads it.
    await this.kill();
    await super.stop();
  }

  protected override ready(): Promise<void> {
    return super.ready(READY_WITHIN_MS);
  }

  protected async answers(): Promise<unknown> {
    const isThere = await listens(this.place.native, this.place.address);
    return isThere && (await this.query("SELECT key FROM system.local"));
  }

  async #connected(): Promise<cassandra.Client> {
    if (this.#client !== undefined) return this.#client;
    const { AllowListPolicy, DCAwareRoundRobinPolicy } = driver.policies.loadBalancing;
    const client = new driver.Client({
      contactPoints: [this.address],
      // Another node may stand still.
      policies: { loadBalancing: new AllowListPolicy(new DCAwareRoundRobinPolicy(this.dataCenter), [this.address]) },
      localDataCenter: this.dataCenter,
      encoding: { map: Map, useBigIntAsLong: true, useBigIntAsVarint: true },
      ...(this.guard === undefined ? {} : admission(this.guard)),
    });
    try {
      await client.connect();
      if (Object.hasOwn(client.metadata.keyspaces, this.keyspace)) await client.execute(`USE ${this.keyspace}`);
    } catch (error) {
      await client.shutdown();
      throw error;
    }
    this.#client = client;
    return client;
  }

  async #disconnect(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.shutdown();
  }
}

function commandOf(directory: string, jars: string): Command {
  const java = [
    // Classes of a hundred jars are taken as they are, so that it starts sooner.
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:-BytecodeVerificationRemote",
    "-Xmx1g",
    "-Xms1g",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.net.preferIPv4Stack=true",
  ];
  const properties = {
    "cassandra.config": `file://${directory}/cassandra.yaml`,
    "logback.configurationFile": join(directory, "logback.xml"),
    "cassandra.storagedir": directory,
    "cassandra-foreground": "yes",
    "cassandra.superuser_setup_delay_ms": 0,
    "cassandra.skip_wait_for_gossip_to_settle": 0,
    "cassandra.ring_delay_ms": 100,
    "java.io.tmpdir": join(directory, "tmp"),
    "jna.tmpdir": join(directory, "tmp"),
  };
  const args = [
    ...java,
    ...EXPORTS.flatMap((name) => ["--add-exports", `${name}=ALL-UNNAMED`]),
    ...OPENS.flatMap((name) => ["--add-opens", `${name}=ALL-UNNAMED`]),
    ...Object.entries(properties).map(([name, value]) => `-D${name}=${value}`),
    "-cp",
    jars,
    "org.apache.cassandra.service.CassandraDaemon",
  ];
  return { command: "java", args, cwd: directory };
}

function admission({ certificate: { key, certificate } }: Guard): Partial<cassandra.ClientOptions> {
  return {
    sslOptions: { ca: [certificate], cert: certificate, key, rejectUnauthorized: true },
    authProvider: new driver.auth.PlainTextAuthProvider(FIRST_USER.username, FIRST_USER.password),
  };
}

/** Values are JSON, which YAML takes as it is. */
function guarded({ certificate: { key, certificate } }: Guard): Record<string, string> {
  const factory = {
    class_name: "org.apache.cassandra.security.PEMBasedSslContextFactory",
    parameters: { private_key: `${key}${certificate}`, trusted_certificates: certificate },
  };
  const encryption = { enabled: true, optional: false, require_client_auth: true, ssl_context_factory: factory };
  return { authenticator: "PasswordAuthenticator", client_encryption_options: JSON.stringify(encryption) };
}

async function configure(directory: string, place: Place, guard: Guard | undefined): Promise<void> {
  const folders = {
    commitlog_directory: "commitlog",
    saved_caches_directory: "saved_caches",
    hints_directory: "hints",
    cdc_raw_directory: "cdc",
  };
  for (const folder of [...Object.values(folders), "data", "tmp"]) await mkdir(join(directory, folder));
  const settings: Record<string, string | number | boolean> = {
    cluster_name: "tests",
    num_tokens: 4,
    partitioner: "org.apache.cassandra.dht.Murmur3Partitioner",
    // What has been acknowledged outlives a kill.
    commitlog_sync: "batch",
    commitlog_segment_size: "8MiB",
    commitlog_total_space: "64MiB",
    endpoint_snitch: "SimpleSnitch",
    listen_address: place.address,
    rpc_address: place.address,
    native_transport_port: place.native,
    storage_port: place.storage,
    auto_bootstrap: false,
    ...(guard === undefined ? {} : guarded(guard)),
    ...Object.fromEntries(Object.entries(folders).map(([name, folder]) => [name, join(directory, folder)])),
  };
  await writeFile(
    join(directory, "logback.xml"),
    `<configuration>
      <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
        <encoder><pattern>%d{HH:mm:ss.SSS} %level %logger{0} %msg%n</pattern></encoder>
      </appender>
      <root level="WARN"><appender-ref ref="OUT"/></root>
    </configuration>`,
  );
  const lines = Object.entries(settings).map(([name, value]) => `${name}: ${value}\n`);
  await writeFile(
    join(directory, "cassandra.yaml"),
    `${lines.join("")}data_file_directories:
    - ${join(directory, "data")}
seed_provider:
    - class_name: org.apache.cassandra.locator.SimpleSeedProvider
      parameters:
          - seeds: "${SEED}:${place.storage}"
`,
  );
}

/** Asks again, for a minute, where the node is too busy to answer: what is asked may be done twice. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const end = performance.now() + 60_000;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > end) throw error;
      await delay(500);
    }
  }
}
