import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { ROOT } from "./places.mjs";
import { digest, isStamped, stamp } from "./stamp.mjs";

const PACKAGES = ["sdk", "connectors", "worker"];

const inputs = () =>
  digest(
    [
      ...PACKAGES.flatMap((name) => [`${name}/src`, `${name}/package.json`, `${name}/tsconfig.json`]),
      "tsconfig.base.json",
      "native/schema/plan.fbs",
      "package-lock.json",
    ],
    (file) => file.endsWith(".ts"),
  );

const built = () => PACKAGES.every((name) => existsSync(join(ROOT, name, "dist/index.js")));

/** The SDK's plan code, generated from the schema, and the packages' JavaScript. */
export const typescript = {
  title: "TypeScript packages",
  estimate: "seconds",
  done: () => built() && isStamped("typescript", inputs()),
  async run() {
    await run("npm", ["run", "generate", "-w", "sdk"]);
    await run("node_modules/.bin/tsc", ["-b"]);
    stamp("typescript", inputs());
  },
};
