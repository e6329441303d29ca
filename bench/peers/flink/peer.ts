import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { JavaProgram } from "../java/program.js";
import { type Peer, taskEnv } from "../peer.js";

const OPEN = ["util", "lang", "nio", "time"].map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`);

const program = new JavaProgram("flink", dirname(fileURLToPath(import.meta.url)), "FlinkPeer", [
  "-Xms1500m",
  "-Xmx1500m",
  "-XX:MaxDirectMemorySize=512m",
  ...OPEN,
]);

/** Flink SQL on a cluster in one JVM. */
export const FLINK: readonly Peer[] = [
  variant("heap state, no guarantee", "hashmap", "none"),
  variant("heap state, exactly once", "hashmap", "exactly-once"),
  variant("RocksDB, no guarantee", "rocksdb", "none"),
  variant("RocksDB, exactly once", "rocksdb", "exactly-once"),
];

function variant(name: string, backend: string, guarantee: string): Peer {
  return {
    name: `Flink 2.2 SQL, ${name}`,
    setUp: (say) => program.setUp(say),
    command: (task) => program.command({ ...taskEnv(task), BACKEND: backend, GUARANTEE: guarantee }, task.folder),
  };
}
