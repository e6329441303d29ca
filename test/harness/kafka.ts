import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.js";
import { classPath } from "./maven.js";
import { ROOT } from "./paths.js";
import { freePorts, listens } from "./ports.js";
import { Child } from "./process.js";

const POM = join(ROOT, "test/servers/kafka/pom.xml");
const READY_WITHIN_MS = 60_000;

/** A real broker in KRaft mode: one node, its own ports, a fresh directory. */
export class KafkaBroker {
  #port: number;
  #directory: string;
  #classPath: string;
  #server: Child;

  private constructor(port: number, directory: string, jars: string) {
    this.#port = port;
    this.#directory = directory;
    this.#classPath = jars;
    this.#server = this.#launch();
  }

  static async start(): Promise<KafkaBroker> {
    const jars = await classPath("kafka", POM);
    const [port, controllerPort] = (await freePorts(2)) as [number, number];
    const directory = await mkdtemp(join(tmpdir(), "millrace-kafka-"));
    await writeFile(join(directory, "server.properties"), properties(directory, port, controllerPort));
    await format(directory, jars);
    const broker = new KafkaBroker(port, directory, jars);
    await broker.#ready();
    return broker;
  }

  /** The bootstrap address. */
  get brokers(): string {
    return `127.0.0.1:${this.#port}`;
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

  /** Ends the broker and starts it again on the same ports and data. */
  async restart(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    if (signal === "SIGKILL") this.#server.signal("SIGKILL");
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

  async #ready(): Promise<void> {
    try {
      await eventually(
        () => {
          if (!this.#server.running) throw new Error(`Kafka ended while it started\n${this.#server.log}`);
          return listens(this.#port);
        },
        { what: `Kafka at ${this.brokers}`, withinMs: READY_WITHIN_MS, detail: () => this.#server.log },
      );
    } catch (error) {
      await this.stop();
      throw error;
    }
  }
}

async function format(directory: string, jars: string): Promise<void> {
  const clusterId = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
  const tool = ["-cp", jars, "kafka.tools.StorageTool", "format", "-t", clusterId];
  const child = new Child({ command: "java", args: [...tool, "-c", join(directory, "server.properties")] });
  const { code } = await child.exited();
  if (code !== 0) throw new Error(`Kafka's storage could not be formatted: exit code ${code}\n${child.log}`);
}

function properties(directory: string, port: number, controllerPort: number): string {
  const settings: Record<string, string | number | boolean> = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
    "controller.listener.names": "CONTROLLER",
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}`,
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
    // A broker that was killed may register again only after its session has ended.
    "broker.session.timeout.ms": 2000,
    "broker.heartbeat.interval.ms": 500,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}
