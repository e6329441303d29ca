// `npm run bench`: sets up what is missing, then measures.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./setup/places.mjs";
import { cargoEnv } from "./setup/rust.mjs";
import { setUp } from "./setup.mjs";

await setUp("bench");

const args = ["--import=tsx", join(ROOT, "bench/src/main.ts"), ...process.argv.slice(2)];
const env = { ...process.env, ...cargoEnv() };
const bench = spawn(process.execPath, args, { stdio: "inherit", cwd: ROOT, env });
bench.once("close", (code) => process.exit(code ?? 1));
