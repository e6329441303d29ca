import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { cached } from "../../../test/harness/maven.js";
import { ROOT } from "../../../test/harness/paths.js";
import { type Peer, taskEnv } from "../peer.js";

const run = promisify(execFile);
const FOLDER = join(ROOT, "bench/peers/quix");

let packages = "";

/** Quix Streams in one process, which is one thread of Python, whatever the parallelism. */
export const QUIX: readonly Peer[] = [
  variant("no changelog, at least once", "at-least-once"),
  variant("exactly once", "exactly-once"),
];

function variant(name: string, guarantee: string): Peer {
  return {
    name: `Quix Streams 3.28, ${name}`,
    async setUp(say) {
      const requirements = join(FOLDER, "requirements.txt");
      packages = await cached("peers", "quix", [requirements], async (folder) => {
        say("quix: packages");
        const options = ["--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
        await run("python3", ["-m", "pip", "install", ...options, "--target", folder, "-r", requirements]);
      });
    },
    command: (task) =>
      ["windowed", "stateless", "latency"].includes(task.query.kind)
        ? {
            command: "python3",
            args: ["-W", "ignore", join(FOLDER, "quix_peer.py")],
            env: { ...taskEnv(task), GUARANTEE: guarantee, PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: "1" },
          }
        : undefined,
  };
}
