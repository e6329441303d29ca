import { run } from "./command.mjs";
import { digest, isStamped, stamp } from "./stamp.mjs";

const inputs = () => digest(["package-lock.json"]);

/** Without install scripts: the one that takes minutes, node-rdkafka's, is not needed to run jobs. */
export const npmPackages = {
  title: "npm packages",
  estimate: "about half a minute",
  done: () => isStamped("npm-packages", inputs()),
  async run() {
    await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    stamp("npm-packages", inputs());
  },
};
