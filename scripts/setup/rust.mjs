import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { probe, SetupError } from "./command.mjs";
import { CACHE, ROOT } from "./places.mjs";
import { rocksdbEnv } from "./rocksdb.mjs";
import { filesOf } from "./stamp.mjs";

const HOW = "Get it from https://rustup.rs (`rustup update stable` where rustup is there), then try again.";

/** The version line of the Rust compiler; an error that says how to get one where there is none, or only an old one. */
export function rustVersion() {
  const needed = /^rust-version = "(\d+)\.(\d+)"/m.exec(readFileSync(join(ROOT, "Cargo.toml"), "utf8"));
  const [, major, minor] = needed.map(Number);
  const found = probe("rustc", ["-V"]);
  const version = /^rustc (\d+)\.(\d+)/.exec(found ?? "");
  if (version === null || probe("cargo", ["-V"]) === undefined) {
    throw new SetupError(
      `The native core is built from source here, which needs Rust ${major}.${minor} or newer; none was found. ${HOW}`,
    );
  }
  const [, foundMajor, foundMinor] = version.map(Number);
  if (foundMajor < major || (foundMajor === major && foundMinor < minor)) {
    throw new SetupError(`The native core needs Rust ${major}.${minor} or newer; this is ${found}. ${HOW}`);
  }
  return found;
}

/** The environment that cargo is run with. */
export function cargoEnv() {
  const target = cargoTarget();
  claim(target);
  return { CARGO_TARGET_DIR: target, ...rocksdbEnv() };
}

/**
 * Cargo goes by relative paths and by time: what another clone has compiled more recently would pass for this one's. A
 * clone that was not the last to build there makes its sources new.
 */
function claim(target) {
  const owner = join(target, "clone");
  if (existsSync(owner) && readFileSync(owner, "utf8") === ROOT) return;
  const now = new Date();
  for (const file of filesOf("native", (path) => /\.(rs|toml|fbs)$/.test(path))) utimesSync(join(ROOT, file), now, now);
  mkdirSync(target, { recursive: true });
  writeFileSync(owner, ROOT);
}

/** Where cargo builds: outside the clone, so that the dependencies are compiled once for all clones. */
function cargoTarget() {
  if (process.env.CARGO_TARGET_DIR) return process.env.CARGO_TARGET_DIR;
  const lock = readFileSync(join(ROOT, "Cargo.lock"));
  const key = createHash("sha256").update(lock).update(rustVersion()).digest("hex").slice(0, 12);
  return join(CACHE, `target-${key}`);
}
