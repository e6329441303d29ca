// Runs every suite, or those whose names hold one of the arguments, and prints the sum as its last line. The clone is
// set up and MILLRACE_TEST_BROKERS names a broker: `npm test` sees to both.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { nodeVersions } from "../setup/node-versions.mjs";
import { ROOT } from "../setup/places.mjs";
import { cargoEnv } from "../setup/rust.mjs";
import { cargoTest, check, runSuite, tapTest, withServers } from "./suite.mjs";
import { Total } from "./total.mjs";

Object.assign(process.env, cargoEnv());

const BIN = "node_modules/.bin";
const UNIT = ["--jobs=2", "--timeout=120"];
const TIMEOUT = "--timeout=600";
// Jobs of end-to-end tests mostly wait, for brokers and intervals; but for those that are measured two files run at a time.
const END_TO_END = ["--jobs=2", TIMEOUT];
const MEASURED = ["--jobs=1", TIMEOUT];
const MEASURED_FILES = ["chaos", "idle", "lag", "profile"].map((name) => `test/e2e/${name}.test.ts`);
const OTHER_FILES = readdirSync(join(ROOT, "test/e2e"))
  .map((file) => `test/e2e/${file}`)
  .filter((file) => file.endsWith(".test.ts") && !MEASURED_FILES.includes(file));
// The connectors that everybody has, two checks at a time. `npm run test:connectors` tests all of them.
const CONNECTORS = ["files", "generator", "http", "kafka", "s3"].map((name) => `test/connectors/${name}.test.ts`);

const suites = [
  check("format: rust", "cargo", "fmt", "--all", "--check"),
  check("format and lint: typescript", `${BIN}/biome`, "ci", "--colors=off"),
  check("types: packages", `${BIN}/tsc`, "-b"),
  check("types: tests", `${BIN}/tsc`, "-p", "test"),
  check(
    "lint: rust",
    "cargo",
    "clippy",
    "--release",
    "--locked",
    "--workspace",
    "--all-targets",
    "--",
    "-D",
    "warnings",
  ),
  withServers("s3,hdfs", cargoTest("unit: rust", {}, "--workspace")),
  tapTest("unit: typescript", UNIT),
  ...nodeVersions().map(([major, node]) => tapTest(`unit: typescript on Node ${major}`, UNIT, { node })),
  tapTest("end to end", [...END_TO_END, "test/harness/*.test.ts", "test/docs/*.test.ts", ...OTHER_FILES]),
  tapTest("end to end: measured", [...MEASURED, ...MEASURED_FILES]),
  tapTest("end to end: connectors", [...MEASURED, ...CONNECTORS]),
  ...nodeVersions().map(([major, node]) =>
    tapTest(`end to end: a job on Node ${major}`, [...END_TO_END, "test/e2e/round-trip.test.ts"], {
      env: { MILLRACE_TEST_NODE: node },
    }),
  ),
  tapTest("install", [...MEASURED, "test/install/*.test.ts"]),
];

const chosen = process.argv.slice(2);
const total = new Total();
for (const suite of suites) {
  if (chosen.length > 0 && !chosen.some((part) => suite.name.includes(part))) continue;
  total.add(await runSuite(suite));
}
total.print();
