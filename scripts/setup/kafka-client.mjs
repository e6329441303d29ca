import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { probe, run, SetupError } from "./command.mjs";
import { CACHE, ROOT } from "./places.mjs";

const PACKAGE = join(ROOT, "node_modules/node-rdkafka");
const FILES = ["Release/node-librdkafka.node", "deps/librdkafka.so.1", "deps/librdkafka++.so.1"];

const loads = () => probe(process.execPath, ["-e", "require('node-rdkafka')"]) !== undefined;

/** node-rdkafka's own binary, which its install script compiles; kept for each version and Node ABI. */
export const kafkaClient = {
  title: "node-rdkafka",
  estimate: "about 3 min when it must be compiled",
  system: ["g++", "make", "python3", "OpenSSL headers", "zlib headers", "pkg-config"],
  done: () => existsSync(join(PACKAGE, "build", FILES[0])),
  async run(report) {
    const { version } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
    const { platform, arch, versions } = process;
    const cached = join(CACHE, `node-rdkafka-${version}-${platform}-${arch}-${versions.modules}`);
    if (existsSync(cached)) {
      cpSync(cached, join(PACKAGE, "build"), { recursive: true });
      if (loads()) return;
      rmSync(cached, { recursive: true, force: true });
    }
    report("compiling");
    await run("npm", ["rebuild", "node-rdkafka"]);
    if (!loads()) throw new SetupError("node-rdkafka was compiled but does not load: try `npm rebuild node-rdkafka`");
    if (platform === "linux") keep(cached);
  },
};

function keep(cached) {
  mkdirSync(CACHE, { recursive: true });
  const incoming = mkdtempSync(join(CACHE, "node-rdkafka-incoming-"));
  for (const file of FILES) cpSync(join(PACKAGE, "build", file), join(incoming, file));
  renameSync(incoming, cached);
}
