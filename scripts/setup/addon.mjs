import { copyFileSync, existsSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { run } from "./command.mjs";
import { ROOT } from "./places.mjs";
import { platformTriple } from "./platform.mjs";
import { duration } from "./progress.mjs";
import { rocksdbLibrary } from "./rocksdb.mjs";
import { cargoEnv } from "./rust.mjs";
import { digest, isStamped, stamp } from "./stamp.mjs";

const ADDON = join(ROOT, "native", `millrace.${platformTriple()}.node`);
const LIBRARY = { linux: "libmillrace_node.so", darwin: "libmillrace_node.dylib", win32: "millrace_node.dll" };

// Measured cold on 2 cores.
const COLD_CORE_MS = 2 * 650_000;

const inputs = () =>
  digest(["native", "Cargo.toml", "Cargo.lock"], (file) => /\.(rs|toml|fbs)$/.test(file) && !/\/tests\//.test(file));

/** The native core: a prebuilt platform package where one is installed, otherwise built from source. */
export const addon = {
  title: "Native core from source",
  estimate: `about ${duration(COLD_CORE_MS / availableParallelism())} when nothing is cached`,
  system: ["g++", "make", "pkg-config", "OpenSSL headers", "zlib headers", "libclang"],
  done: () => prebuilt() || (existsSync(ADDON) && isStamped("addon", inputs())),
  async run(report) {
    const env = cargoEnv();
    const started = inputs();
    await build(env, report);
    const rocksdb = rocksdbLibrary();
    if (rocksdb !== undefined) replace(rocksdb, join(ROOT, "native/librocksdb.so"));
    replace(join(env.CARGO_TARGET_DIR, "release", LIBRARY[process.platform]), ADDON);
    stamp("addon", started);
  },
};

/** Puts a copy of a file in place of another; a running job keeps the one it has mapped. */
function replace(from, to) {
  const incoming = `${to}.${process.pid}`;
  copyFileSync(from, incoming);
  renameSync(incoming, to);
}

function prebuilt() {
  try {
    createRequire(join(ROOT, "native/index.js")).resolve(`@millrace/native-${platformTriple()}`);
    return true;
  } catch {
    return false;
  }
}

async function build(env, report) {
  const total = await cratesToBuild();
  const finished = new Set();
  const start = performance.now();
  const estimated = COLD_CORE_MS / availableParallelism();
  const onLine = (line, keep) => {
    const message = parsed(line);
    if (message?.reason !== "compiler-artifact") return message === undefined && keep(line);
    if (!message.target.kind.includes("custom-build")) finished.add(message.package_id);
    const open = 1 - finished.size / total;
    const elapsed = performance.now() - start;
    // By the crates that are left, or by the measured time while the early, slow ones hold up the count.
    const left = Math.min(open * Math.max(estimated, elapsed), Math.max(estimated - elapsed, open * elapsed));
    report(`${finished.size} of ${total} crates, about ${duration(left)} left`);
  };
  const args = ["build", "--release", "--locked", "-p", "millrace-node", "--message-format", "json-render-diagnostics"];
  await run("cargo", args, { env, onLine });
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** The number of crates that the addon is made of. */
async function cratesToBuild() {
  const crates = new Set();
  const args = ["tree", "--locked", "-p", "millrace-node", "-e", "normal,build", "--prefix", "none", "-f", "{p}"];
  await run("cargo", args, { onLine: (line) => crates.add(line.replace(" (*)", "")) });
  return crates.size;
}
