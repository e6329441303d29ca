// `npm run cargo -- ARGUMENTS`: cargo with the target folder and the RocksDB that the set-up uses.
import { spawn } from "node:child_process";
import { cargoEnv } from "./setup/rust.mjs";

const cargo = spawn("cargo", process.argv.slice(2), { stdio: "inherit", env: { ...process.env, ...cargoEnv() } });
cargo.once("close", (code) => process.exit(code ?? 1));
