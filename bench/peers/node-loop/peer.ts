import { join } from "node:path";
import { ROOT } from "../../../test/harness/paths.js";
import type { Command } from "../../../test/harness/process.js";
import { type Peer, type Task, taskEnv } from "../peer.js";

export const KAFKAJS_LOOP = loop("kafkajs");

/** The loops that teams write by hand: one thread, no guarantee. */
export const NODE_LOOPS: readonly Peer[] = [KAFKAJS_LOOP, loop("node-rdkafka")];

function loop(client: string) {
  const file = join(ROOT, "bench/peers/node-loop", `${client}.ts`);
  return {
    name: `${client} loop`,
    // The clients are dependencies of the bench.
    setUp: async () => {},
    command: (task: Task): Command => ({
      command: process.execPath,
      args: ["--import=tsx", file],
      env: { NODE_OPTIONS: "", ...taskEnv(task) },
      cwd: ROOT,
    }),
  };
}
