// `npm start`: sets up what is missing, then runs the demo.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "./setup/places.mjs";
import { setUp } from "./setup.mjs";

await setUp("start");

const cli = join(ROOT, "sdk/bin/millrace.js");
const demo = spawn(process.execPath, [cli, "run", join(ROOT, "examples/demo.ts")], { stdio: "inherit" });
// A terminal sends Ctrl-C to the demo as well: it drains, and this process waits for it.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => demo.kill("SIGTERM"));
demo.once("close", (code) => process.exit(code ?? 1));
