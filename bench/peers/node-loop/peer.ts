import { join } from "node:path";
import { ROOT } from "../../../test/harness/paths.js";
import { type Peer, taskEnv } from "../peer.js";

/** The loops that teams write by hand: one thread, no guarantee. */
export const NODE_LOOPS: readonly Peer[] = [loop("kafkajs"), loop("node-rdkafka")];

function loop(client: string): Peer {
  const file = join(ROOT, "bench/peers/node-loop", `${client}.ts`);
  return {
    name: `${client} loop`,
    // The clients are dependencies of the bench.
    setUp: async () => {},
    command: (task) => ({
      command: process.execPath,
      args: ["--import=tsx", file],
      env: { NODE_OPTIONS: "", ...taskEnv(task) },
      cwd: ROOT,
    }),
  };
}
