import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { ROOT } from "./places.mjs";
import { digest, isStamped, stamp } from "./stamp.mjs";

const inputs = () => digest([".taprc", "package-lock.json"]);

/** tap is assembled from the plugins that .taprc names. */
export const testRunner = {
  title: "tap's plugins",
  estimate: "seconds",
  done: () => existsSync(join(ROOT, ".tap/plugins")) && isStamped("test-runner", inputs()),
  async run() {
    await run("node_modules/.bin/tap", ["build"]);
    stamp("test-runner", inputs());
  },
};
