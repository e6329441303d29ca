// Sets up what is missing: `node scripts/setup.mjs [start|test|bench|simulate]`. It runs before anything is installed, so it and
// scripts/setup/ use nothing but Node.
import { pathToFileURL } from "node:url";
import { addon } from "./setup/addon.mjs";
import { SetupError } from "./setup/command.mjs";
import { kafkaClient, lz4 } from "./setup/compiled-packages.mjs";
import { flatc } from "./setup/flatc.mjs";
import { otherNodes } from "./setup/node-versions.mjs";
import { npmPackages } from "./setup/npm-packages.mjs";
import { Progress } from "./setup/progress.mjs";
import { rocksdb } from "./setup/rocksdb.mjs";
import { ensureSystem } from "./setup/system-packages.mjs";
import { testRunner } from "./setup/test-runner.mjs";
import { typescript } from "./setup/typescript.mjs";

const RUN = [npmPackages, flatc, rocksdb, typescript, addon];
const GOALS = {
  start: RUN,
  bench: [...RUN, kafkaClient, lz4],
  test: [...RUN, kafkaClient, testRunner, otherNodes],
  simulate: [flatc, rocksdb],
};
// Steps that are run by programs which set up nothing themselves: the broker of tests and benchmarks.
const SYSTEM = {
  start: [],
  bench: ["java", "mvn"],
  test: ["java", "mvn", "clickhouse-server"],
  simulate: addon.system,
};

/** Brings the clone to where `goal` can run; instant where nothing is missing. Ends the process where it cannot. */
export async function setUp(goal) {
  try {
    const missing = GOALS[goal].filter((step) => !step.done());
    await ensureSystem([...missing.flatMap((step) => step.system ?? []), ...SYSTEM[goal]]);
    // npm takes away what has been built in a package's folder when it installs another.
    for (const step of GOALS[goal]) if (!step.done()) await finish(step);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

async function finish(step) {
  const progress = new Progress(step.title, step.estimate);
  try {
    await step.run((detail) => progress.report(detail));
    progress.end(true);
  } catch (error) {
    progress.end(false);
    throw error;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await setUp(process.argv[2] ?? "start");
