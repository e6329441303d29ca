// `npm run sanitize [-- -p CRATE]`: the unit tests of the crates whose unsafe code runs without a server, under
// AddressSanitizer. It needs a nightly toolchain, and compiles what the crates depend on a second time.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { probe } from "./setup/command.mjs";
import { CACHE, ROOT } from "./setup/places.mjs";
import { rocksdbEnv } from "./setup/rocksdb.mjs";
import { setUp } from "./setup.mjs";

const CRATES = ["-p", "millrace-formats", "-p", "millrace-plan"];

const host = /^host: (.*)$/m.exec(probe("cargo", ["+nightly", "-vV"]) ?? "")?.[1];
if (host === undefined) {
  process.stderr.write("AddressSanitizer needs a nightly toolchain: `rustup toolchain install nightly`\n");
  process.exit(1);
}
await setUp("simulate");

const chosen = process.argv.length > 2 ? process.argv.slice(2) : CRATES;
// Only with a target named do build scripts and macros go without the sanitizer.
const args = ["+nightly", "test", "--release", "--locked", "--target", host, ...chosen];
const env = {
  ...process.env,
  ...rocksdbEnv(),
  CARGO_TARGET_DIR: join(CACHE, "target-sanitize"),
  RUSTFLAGS: "-Zsanitizer=address",
};
const tests = spawn("cargo", args, { stdio: "inherit", cwd: ROOT, env });
tests.once("close", (code) => process.exit(code ?? 1));
