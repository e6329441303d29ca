import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../../test/harness/paths.js";

/** Where an example of the Rust workspace lies; compiles it before. */
export function example(name: string): string {
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
  const cargo = ["build", "--release", "--locked", "--workspace", "--example", name];
  execFileSync("cargo", cargo, { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
  return join(target, "release/examples", name);
}
