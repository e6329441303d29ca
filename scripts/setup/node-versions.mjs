import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { CACHE } from "./places.mjs";

const PACKAGE = `node-${process.platform}-${process.arch}`;
const MAJORS = [22, 24];

const folder = (major) => join(CACHE, `node-${major}`);
const binary = (major) => join(folder(major), "node_modules", PACKAGE, "bin/node");

/** The Node versions that the tests run on besides the one that runs them: major version and path of the binary. */
export const nodeVersions = () =>
  MAJORS.filter((major) => existsSync(binary(major))).map((major) => [major, binary(major)]);

/** The binaries of those versions, out of npm's packages. */
export const otherNodes = {
  title: `Node ${MAJORS.join(" and ")}`,
  estimate: "seconds",
  done: () => process.platform !== "linux" || MAJORS.every((major) => existsSync(binary(major))),
  async run() {
    for (const major of MAJORS) {
      const wanted = `${PACKAGE}@${major}`;
      await run("npm", ["install", "--prefix", folder(major), "--no-save", "--no-audit", "--no-fund", wanted]);
    }
  },
};
