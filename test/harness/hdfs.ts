import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalServer } from "./local-server.js";
import { classPath } from "./maven.js";
import { ROOT } from "./paths.js";
import { freePorts } from "./ports.js";

const POM = join(ROOT, "test/servers/hdfs/pom.xml");

// A file counts as written once its data node has reported it; the first look comes too early and the next after 400 ms.
const LOOK_AGAIN = "dfs.client.block.write.locateFollowingBlock.initial.delay.ms=5";

/** A name node and a data node in one process, on their own ports and a fresh directory. */
export class HdfsCluster extends LocalServer {
  static async start(): Promise<HdfsCluster> {
    const jars = await classPath("hdfs", POM);
    const [rpc, http] = await freePorts(2);
    const directory = await mkdtemp(join(tmpdir(), "millrace-hdfs-"));
    const java = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"];
    const main = ["-cp", jars, "org.apache.hadoop.mapreduce.MiniHadoopClusterManager"];
    const ports = ["-nnport", String(rpc), "-nnhttpport", String(http)];
    const args = [...java, `-Dtest.build.data=${directory}`, ...main, "-nomr", ...ports, "-D", LOOK_AGAIN];
    const command = { command: "java", args: [...args, "-format"], cwd: directory };
    const cluster = new HdfsCluster("HDFS", `http://127.0.0.1:${http}`, directory, command);
    await cluster.ready();
    // Where it starts again it keeps what it has.
    cluster.command = { ...command, args };
    return cluster;
  }

  /** Where WebHDFS answers. */
  get address(): string {
    return new URL(this.url).host;
  }

  /** The name node answers before its data node is there; it is ready once it says which one takes a file. */
  protected async answers(): Promise<boolean> {
    const create = `${this.url}/webhdfs/v1/file?op=CREATE&noredirect=true&user.name=root`;
    return (await fetch(create, { method: "PUT" })).ok;
  }
}
