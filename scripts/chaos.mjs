// `npm run chaos [-- --kills N]`: kills an exactly-once job N times (200 by default), half of them for each state backend,
// and compares what it has written with a model.
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { ROOT } from "./setup/places.mjs";
import { setUp } from "./setup.mjs";

const { values } = parseArgs({ options: { kills: { type: "string", default: "200" } } });
const kills = Math.ceil(Number(values.kills) / 2);
// A kill takes about 4 s, of which the next start is the largest part.
const timeoutS = 120 + kills * 30;

await setUp("test");

const tap = ["node_modules/tap/dist/esm/run.mjs", `--timeout=${timeoutS}`, "test/e2e/exactly-once.test.ts"];
const env = { ...process.env, MILLRACE_TEST_KILLS: String(kills) };
const chaos = spawn(process.execPath, tap, { cwd: ROOT, stdio: "inherit", env });
chaos.once("close", (code) => process.exit(code ?? 1));
