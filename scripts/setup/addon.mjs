import { copyFileSync, existsSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { run } from "./command.mjs";
import { ROOT } from "./places.mjs";
import { platformTriple } from "./platform.mjs";
import { duration } from "./progress.mjs";
import { cargoTarget } from "./rust.mjs";
import { digest, isStamped, stamp } from "./stamp.mjs";

const ADDON = join(ROOT, "native", `millrace.${platformTriple()}.node`);
const LIBRARY = { linux: "libmillrace_node.so", darwin: "libmillrace_node.dylib", win32: "millrace_node.dll" };

// Measured cold on 2 cores.
const COLD_CORE_MS = 2 * 360_000;

const inputs = () =>
  digest(["native", "Cargo.toml", "Cargo.lock"], (file) => /\.(rs|toml|fbs)$/.test(file) && !/\/tests\//.test(file));

/** The native core: a prebuilt platform package where one is installed, otherwise built from source. */
export const addon = {
  title: "Native core from source",
  estimate: `about ${duration(COLD_CORE_MS / availableParallelism())} when nothing is cached`,
  system: ["g++", "make", "pkg-config", "OpenSSL headers", "zlib headers"],
  done: () => prebuilt() || (existsSync(ADDON) && isStamped("addon", inputs())),
  async run(report) {
    const target = cargoTarget();
    const started = inputs();
    await build(target, report);
    const incoming = `${ADDON}.${process.pid}`;
    copyFileSync(join(target, "release", LIBRARY[process.platform]), incoming);
    // A running job keeps the file it has mapped.
    renameSync(incoming, ADDON);
    stamp("addon", started);
  },
};

function prebuilt() {
  try {
    createRequire(join(ROOT, "native/index.js")).resolve(`@millrace/native-${platformTriple()}`);
    return true;
  } catch {
    return false;
  }
}

async function build(target, report) {
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
  await run("cargo", args, { env: { CARGO_TARGET_DIR: target }, onLine });
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
