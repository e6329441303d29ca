// `npm run chaos [-- --kills N] [-- --others N] [-- --seed N] [-- --without TROUBLE]`: puts an exactly-once job through N
// kills (200 by default) and every other trouble a twentieth as often, and compares what it has written with a model.
import { spawn } from "node:child_process";
import { ROOT } from "./setup/places.mjs";
import { setUp } from "./setup.mjs";

await setUp("test");

const args = ["--import", "tsx", "test/chaos/main.ts", ...process.argv.slice(2)];
const chaos = spawn(process.execPath, args, { cwd: ROOT, stdio: "inherit" });
chaos.once("close", (code) => process.exit(code ?? 1));
