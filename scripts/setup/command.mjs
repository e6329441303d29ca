import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { ROOT } from "./places.mjs";

/** A failure that is told to the user as it is, without a stack. */
export class SetupError extends Error {}

const TAIL_LINES = 60;

/**
 * Runs a command at the root of the repository. `onLine` sees each line of its standard output; what it wrote last is
 * part of the error when it fails.
 */
export function run(command, args, { env, cwd = ROOT, onLine } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    const tail = [];
    const keep = (line) => {
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
    };
    createInterface({ input: child.stdout }).on("line", (line) => (onLine ? onLine(line, keep) : keep(line)));
    createInterface({ input: child.stderr }).on("line", keep);
    child.once("error", (error) => reject(new SetupError(`${command} could not be started: ${error.message}`)));
    child.once("close", (code, signal) => {
      if (code === 0) resolve();
      else
        reject(
          new SetupError(`${tail.join("\n")}\n\n\`${[command, ...args].join(" ")}\` ended with ${signal ?? code}`),
        );
    });
  });
}

/** The standard output of a short command, or `undefined` when it cannot be run or fails. */
export function probe(command, args) {
  const { status, stdout } = spawnSync(command, args, {
    cwd: ROOT,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return status === 0 ? stdout.trim() : undefined;
}
