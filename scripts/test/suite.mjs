import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { ROOT } from "../setup/places.mjs";
import { duration } from "../setup/progress.mjs";
import { endOf, TapFailures } from "./failures.mjs";

/**
 * One suite: a command and how its output is counted.
 * @typedef {object} Suite
 * @property {string} name
 * @property {string[]} command
 * @property {Record<string, string>} [env]
 * @property {() => Counter} counter
 * @property {boolean} [quiet] one line is shown of it, unless it fails
 */

/**
 * Sees a suite's output line by line.
 * @typedef {object} Counter
 * @property {(line: string) => string | undefined} line what to show of the line at once
 * @property {() => { passed: number, failed: number }} counts
 * @property {() => string} [failures] what the failed tests say; without it that is the end of the output
 */

/** A lint, format or type check: it passes or fails as a whole. */
export const check = (name, ...command) => ({
  name,
  command,
  counter: () => ({ line: () => undefined, counts: none }),
});

/** Rust tests, counted by cargo's "test result" lines. */
export function cargoTest(name, env, ...args) {
  return { name, command: ["cargo", "test", "--release", "--locked", ...args], env, counter: cargoCounter };
}

/** tap tests: what is counted are the tests that stand at the top of a file. */
export function tapTest(name, args, { node = process.execPath, env = {} } = {}) {
  const tap = "node_modules/tap/dist/esm/run.mjs";
  return { name, command: [node, tap, "--reporter=tap", ...args], env, counter: tapCounter };
}

/** A suite that runs while some of the harness's servers are up. */
export const withServers = (names, { command, ...suite }) => ({
  ...suite,
  command: [process.execPath, "--import", "tsx", "test/harness/with-servers.ts", names, ...command],
});

const none = () => ({ passed: 0, failed: 0 });

function cargoCounter() {
  const counts = none();
  const line = (text) => {
    const result = /^test result: \w+\. (\d+) passed; (\d+) failed/.exec(text);
    if (result) {
      counts.passed += Number(result[1]);
      counts.failed += Number(result[2]);
    }
    return undefined;
  };
  return { line, counts: () => counts };
}

function tapCounter() {
  const counts = none();
  const failures = new TapFailures();
  let failedBefore = 0;
  const line = (text) => {
    failures.see(text);
    const point = /^( {4})?(not )?ok \d+ - (.*?)(?: \{)?$/.exec(text);
    if (point === null || /# (SKIP|TODO)/i.test(text)) return undefined;
    const [, isTest, failed, name] = point;
    if (isTest) {
      counts[failed ? "failed" : "passed"] += 1;
      return `    ${failed ? "✘" : "✔"} ${name}`;
    }
    // A file that fails though its tests passed, or that has none, counts as a failure.
    if (failed && counts.failed === failedBefore) counts.failed += 1;
    failedBefore = counts.failed;
    return failed ? `  ✘ ${name}` : undefined;
  };
  return { line, counts: () => counts, failures: () => failures.text() };
}

/**
 * Runs a suite; all of its output is shown when it fails, and what its failed tests say is given. A suite that counts
 * nothing counts as one test.
 */
export async function runSuite({ name, command, env, counter, quiet = false }) {
  const start = performance.now();
  const seen = counter();
  const output = [];
  if (!quiet) process.stdout.write(`${name}\n`);
  const ended = await new Promise((resolve) => {
    const [program, ...args] = command;
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        output.push(line);
        const shown = seen.line(line);
        if (shown !== undefined && !quiet) process.stdout.write(`${shown}\n`);
      });
    }
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(signal ?? code));
  });
  const counts = seen.counts();
  if (counts.passed + counts.failed === 0) counts[ended === 0 ? "passed" : "failed"] = 1;
  else if (ended !== 0 && counts.failed === 0) counts.failed = 1;
  if (counts.failed > 0) process.stdout.write(`${output.join("\n")}\n\`${command.join(" ")}\` ended with ${ended}\n`);
  const mark = counts.failed > 0 ? "✘" : "✔";
  process.stdout.write(
    `${mark} ${name}: ${counts.passed} passed, ${counts.failed} failed (${duration(performance.now() - start)})\n`,
  );
  return { name, ...counts, failures: counts.failed > 0 ? seen.failures?.() || endOf(output) : "" };
}
