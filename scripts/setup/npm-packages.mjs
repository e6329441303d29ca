import { run } from "./command.mjs";
import { digest, isStamped, stamp } from "./stamp.mjs";

const inputs = () => digest(["package-lock.json"]);

/**
 * The locked versions. Not by `npm ci`, which refuses a lock file without the optional packages of other platforms;
 * and without install scripts: the one that takes minutes, node-rdkafka's, is not needed to run jobs.
 */
export const npmPackages = {
  title: "npm packages",
  estimate: "about half a minute",
  done: () => isStamped("npm-packages", inputs()),
  async run() {
    await run("npm", ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    stamp("npm-packages", inputs());
  },
};
