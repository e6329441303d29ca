import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { JavaProgram } from "../java/program.js";
import { type Peer, taskEnv } from "../peer.js";

// What Hazelcast's manual asks for on Java 9 and later.
const OPEN = [
  "--add-modules=java.se",
  "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
  "--add-opens=java.base/java.lang=ALL-UNNAMED",
  "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
  "--add-opens=java.management/sun.management=ALL-UNNAMED",
  "--add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED",
];

const program = new JavaProgram(
  "hazelcast-jet",
  dirname(fileURLToPath(import.meta.url)),
  "JetPeer",
  ["-Xms1500m", "-Xmx1500m", ...OPEN],
  ["Bid.java"],
);

export const HAZELCAST_JET: readonly Peer[] = [
  variant("no guarantee", "NONE"),
  variant("exactly once", "EXACTLY_ONCE"),
];

function variant(name: string, guarantee: string): Peer {
  return {
    name: `Hazelcast Jet 5.6, ${name}`,
    setUp: (say) => program.setUp(say),
    command: (task) =>
      ["windowed", "stateless", "latency"].includes(task.query.kind)
        ? program.command({ ...taskEnv(task), GUARANTEE: guarantee }, task.folder)
        : undefined,
  };
}
