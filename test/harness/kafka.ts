import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { selfSigned } from "./certificate.js";
import { classPath } from "./maven.js";
import { ROOT } from "./paths.js";
import { freePorts, listens } from "./ports.js";
import { Child } from "./process.js";
import { ready } from "./ready.js";

const POM = join(ROOT, "test/servers/kafka/pom.xml");
const CERTIFICATE = "certificate.pem";

/** Who may use the listener that asks for TLS and a password, by PLAIN or SCRAM-SHA-256. */
export interface Login {
  username: string;
  password: string;
}

interface Ports {
  plain: number;
  controller: number;
  secure: number;
}

export interface BrokerOptions {
  /** Adds a listener by SASL_SSL. */
  login?: Login;
}

/** A real broker in KRaft mode: one node, its own ports, a fresh directory. */
export class KafkaBroker {
  #ports: Ports;
  #directory: string;
  #classPath: string;
  #server: Child;

  private constructor(ports: Ports, directory: string, jars: string) {
    this.#ports = ports;
    this.#directory = directory;
    this.#classPath = jars;
    this.#server = this.#launch();
  }

  static async start({ login }: BrokerOptions = {}): Promise<KafkaBroker> {
    const jars = await classPath("kafka", POM);
    const [plain, controller, secure] = (await freePorts(3)) as [number, number, number];
    const ports = { plain, controller, secure };
    const directory = await mkdtemp(join(tmpdir(), "millrace-kafka-"));
    const settings = properties(directory, ports);
    if (login !== undefined) Object.assign(settings, await securing(settings, directory, ports, login));
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(join(directory, "server.properties"), lines.join(""));
    await format(directory, jars, login);
    const broker = new KafkaBroker(ports, directory, jars);
    await broker.#ready();
    return broker;
  }

  /** The bootstrap address. */
  get brokers(): string {
    return `127.0.0.1:${this.#ports.plain}`;
  }

  /** The bootstrap address of the listener by SASL_SSL. */
  get secureBrokers(): string {
    return `127.0.0.1:${this.#ports.secure}`;
  }

  /** The file of the certificate that clients of that listener have to trust. */
  get certificate(): string {
    return join(this.#directory, CERTIFICATE);
  }

  get pid(): number {
    return this.#server.pid;
  }

  /** Stops the broker, without its knowing: connections stay open and nothing is answered. */
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

  /** Ends the broker, if it runs, and starts it again on the same ports and data. */
  async restart(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    if (signal === "SIGKILL") await this.kill();
    await this.#server.stop();
    this.#server = this.#launch();
    await this.#ready();
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #launch(): Child {
    const args = ["-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", this.#classPath];
    return new Child({ command: "java", args: [...args, "kafka.Kafka", join(this.#directory, "server.properties")] });
  }

  #ready(): Promise<void> {
    return ready(`Kafka at ${this.brokers}`, this, this.#server, () => listens(this.#ports.plain));
  }
}

async function format(directory: string, jars: string, login?: Login): Promise<void> {
  const clusterId = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
  // An id may begin with a dash, so it must not stand alone.
  const tool = ["-cp", jars, "kafka.tools.StorageTool", "format", `--cluster-id=${clusterId}`];
  const scram = login && ["--add-scram", `SCRAM-SHA-256=[name=${login.username},password=${login.password}]`];
  const args = [...tool, "-c", join(directory, "server.properties"), ...(scram ?? [])];
  const child = new Child({ command: "java", args });
  const { code } = await child.exited();
  if (code !== 0) throw new Error(`Kafka's storage could not be formatted: exit code ${code}\n${child.log}`);
}

type Settings = Record<string, string | number | boolean>;

function properties(directory: string, { plain, controller }: Ports): Settings {
  return {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@127.0.0.1:${controller}`,
    "controller.listener.names": "CONTROLLER",
    listeners: `PLAINTEXT://127.0.0.1:${plain},CONTROLLER://127.0.0.1:${controller}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${plain}`,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "log.dirs": join(directory, "data"),
    "auto.create.topics.enable": false,
    "offsets.topic.num.partitions": 1,
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.num.partitions": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    "message.max.bytes": 32 * 1024 * 1024,
    "log.cleaner.enable": false,
    // Records whose timestamps the tests set in the past are kept, too.
    "log.retention.ms": -1,
    // A broker that was killed may register again only after its session has ended.
    "broker.session.timeout.ms": 2000,
    "broker.heartbeat.interval.ms": 500,
  };
}

/** What a listener by SASL_SSL adds to the settings; makes its certificate in the directory. */
async function securing(
  settings: Settings,
  directory: string,
  { secure }: Ports,
  { username, password }: Login,
): Promise<Settings> {
  const keyStore = join(directory, "key-store.pem");
  const { key, certificate } = await selfSigned("127.0.0.1");
  await writeFile(keyStore, key + certificate, { mode: 0o600 });
  await writeFile(join(directory, CERTIFICATE), certificate);
  const listener = "listener.name.secure";
  const security = "org.apache.kafka.common.security";
  return {
    listeners: `${settings.listeners},SECURE://127.0.0.1:${secure}`,
    "advertised.listeners": `${settings["advertised.listeners"]},SECURE://127.0.0.1:${secure}`,
    "listener.security.protocol.map": `${settings["listener.security.protocol.map"]},SECURE:SASL_SSL`,
    [`${listener}.ssl.keystore.type`]: "PEM",
    [`${listener}.ssl.keystore.location`]: keyStore,
    [`${listener}.sasl.enabled.mechanisms`]: "PLAIN,SCRAM-SHA-256",
    [`${listener}.plain.sasl.jaas.config`]: `${security}.plain.PlainLoginModule required user_${username}="${password}";`,
    [`${listener}.scram-sha-256.sasl.jaas.config`]: `${security}.scram.ScramLoginModule required;`,
  };
}
