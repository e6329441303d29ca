import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { cached } from "../../../test/harness/maven.js";
import { ROOT } from "../../../test/harness/paths.js";
import { type Peer, taskEnv } from "../peer.js";

const run = promisify(execFile);
const FOLDER = join(ROOT, "bench/peers/rust-bound");
const FILES = ["Cargo.toml", "Cargo.lock", "src/main.rs", "src/dataset.rs", "src/windows.rs"];

let program = "";

/**
 * The bound in Rust without Kafka. It makes the events itself, and takes nothing from the topic and writes nothing to the
 * other: what it prints are the figures of the measured part, and the number of the results and their checksum.
 */
export const RUST_BOUND: Peer = {
  name: "timely in memory, without Kafka",
  async setUp(say) {
    const files = FILES.map((file) => join(FOLDER, file));
    const root = await cached("peers", "rust-bound", files, async (folder) => {
      say("rust-bound: compiling");
      const target = await mkdtemp(join(tmpdir(), "millrace-rust-bound-"));
      const args = ["install", "--locked", "--path", FOLDER, "--root", folder, "--target-dir", target];
      await run("cargo", args).finally(() => rm(target, { recursive: true, force: true }));
    });
    program = join(root, "bin/rust-bound");
  },
  command: (task) =>
    task.query.kind === "windowed" && task.bounded ? { command: program, args: [], env: taskEnv(task) } : undefined,
};
