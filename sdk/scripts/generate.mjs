// Generates the SDK's half of the plan's FlatBuffers code.
import { execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const VERSION = "25.12.19";
const root = fileURLToPath(new URL("..", import.meta.url));
const cache = process.env.MILLRACE_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "millrace");
const cached = join(cache, `flatc-${VERSION}`, "flatc");
const flatc = process.env.MILLRACE_FLATC ?? (existsSync(cached) ? cached : "flatc");

rmSync(join(root, "src/generated"), { recursive: true, force: true });
try {
  execFileSync(flatc, [
    "--ts",
    "--gen-object-api",
    "-o",
    join(root, "src/generated"),
    join(root, "../native/schema/plan.fbs"),
  ]);
} catch (error) {
  throw new Error(`flatc ${VERSION} is needed: npm run setup fetches it`, { cause: error });
}
