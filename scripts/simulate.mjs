// `npm run simulate [-- --seeds N] [-- --from SEED]`: simulates jobs from so many seeds (1,000 by default), and
// `npm run simulate -- --seed N` just one, telling what happens in it.
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { ROOT } from "./setup/places.mjs";
import { cargoEnv } from "./setup/rust.mjs";
import { setUp } from "./setup.mjs";

const TEST = "simulation::every_schedule";

const options = { seeds: { type: "string", default: "1000" }, from: { type: "string" }, seed: { type: "string" } };
const { values } = parseArgs({ options });

await setUp("simulate");

const chosen =
  values.seed === undefined
    ? { MILLRACE_SEEDS: values.seeds, MILLRACE_FIRST_SEED: values.from ?? "0" }
    : { MILLRACE_SEED: values.seed };
const args = ["test", "--release", "--locked", "--workspace", "--lib", TEST, "--", "--nocapture"];
const env = { ...process.env, ...cargoEnv(), ...chosen };
const simulation = spawn("cargo", args, { stdio: "inherit", cwd: ROOT, env });
simulation.once("close", (code) => process.exit(code ?? 1));
