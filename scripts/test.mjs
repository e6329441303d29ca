// `npm test [-- PART…]`: sets up what is missing, starts a Kafka broker and runs every suite, or those whose names hold
// one of the parts.
import { spawn } from "node:child_process";
import { ROOT } from "./setup/places.mjs";
import { setUp } from "./setup.mjs";

await setUp("test");

const args = ["--import", "tsx", "test/harness/with-servers.ts", "kafka", process.execPath, "scripts/test/run.mjs"];
const tests = spawn(process.execPath, [...args, ...process.argv.slice(2)], { cwd: ROOT, stdio: "inherit" });
tests.once("close", (code) => process.exit(code ?? 1));
