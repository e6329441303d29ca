import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { classPath } from "./maven.js";
import { ROOT } from "./paths.js";
import { freePorts } from "./ports.js";
import { Child } from "./process.js";
import { ready } from "./ready.js";

const POM = join(ROOT, "test/servers/hdfs/pom.xml");

// A file counts as written once its data node has reported it; the first look comes too early and the next after 400 ms.
const LOOK_AGAIN = "dfs.client.block.write.locateFollowingBlock.initial.delay.ms=5";

/** A name node and a data node in one process, on their own ports and a fresh directory. */
export class HdfsCluster {
  /** Where WebHDFS answers. */
  readonly address: string;
  readonly #directory: string;
  readonly #launch: (format: readonly string[]) => Child;
  #server: Child;

  private constructor([rpc, http]: [number, number], directory: string, jars: string) {
    this.address = `127.0.0.1:${http}`;
    this.#directory = directory;
    const java = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"];
    const cluster = ["-nomr", "-nnport", String(rpc), "-nnhttpport", String(http), "-D", LOOK_AGAIN];
    const args = [...java, `-Dtest.build.data=${directory}`, "-cp", jars];
    const main = "org.apache.hadoop.mapreduce.MiniHadoopClusterManager";
    this.#launch = (format) =>
      new Child({ command: "java", args: [...args, main, ...format, ...cluster], cwd: directory });
    this.#server = this.#launch(["-format"]);
  }

  static async start(): Promise<HdfsCluster> {
    const jars = await classPath("hdfs", POM);
    const ports = (await freePorts(2)) as [number, number];
    const cluster = new HdfsCluster(ports, await mkdtemp(join(tmpdir(), "millrace-hdfs-")), jars);
    await cluster.#ready();
    return cluster;
  }

  /** Stops the cluster, without its knowing: connections stay open and nothing is answered. */
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
    this.#server = this.#launch([]);
    await this.#ready();
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** The name node answers before its data node is there; it is ready once it says which one takes a file. */
  #ready(): Promise<void> {
    const create = `http://${this.address}/webhdfs/v1/file?op=CREATE&noredirect=true&user.name=root`;
    return ready(`HDFS at ${this.address}`, this, this.#server, async () => {
      const answer = await fetch(create, { method: "PUT" }).catch(() => undefined);
      return answer?.ok;
    });
  }
}
