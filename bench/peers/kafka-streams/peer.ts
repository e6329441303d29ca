import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { JavaProgram } from "../java/program.js";
import { type Peer, taskEnv } from "../peer.js";

const program = new JavaProgram(
  "kafka-streams",
  dirname(fileURLToPath(import.meta.url)),
  "StreamsPeer",
  ["-Xms1500m", "-Xmx1500m"],
  ["Bid.java"],
);

export const KAFKA_STREAMS: readonly Peer[] = [
  variant("in memory, no guarantee", "memory", "at_least_once"),
  variant("RocksDB, at least once", "rocksdb", "at_least_once"),
  variant("RocksDB, exactly once", "rocksdb", "exactly_once_v2"),
];

function variant(name: string, store: string, guarantee: string): Peer {
  return {
    name: `Kafka Streams 4.1, ${name}`,
    setUp: (say) => program.setUp(say),
    command: (task) =>
      ["windowed", "stateless", "latency"].includes(task.query.kind)
        ? program.command({ ...taskEnv(task), STORE: store, GUARANTEE: guarantee }, task.folder)
        : undefined,
  };
}
