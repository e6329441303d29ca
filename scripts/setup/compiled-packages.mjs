import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { probe, run, SetupError } from "./command.mjs";
import { CACHE, ROOT } from "./places.mjs";
import { isStamped, stamp } from "./stamp.mjs";

/** The Kafka client of tests and benchmarks. */
export const kafkaClient = compiledPackage({
  name: "node-rdkafka",
  estimate: "about 3 min when it must be compiled",
  system: ["g++", "make", "python3", "pkg-config", "OpenSSL headers", "zlib headers"],
  files: ["Release/node-librdkafka.node", "deps/librdkafka.so.1", "deps/librdkafka++.so.1"],
});

/** The codec that the benchmark's bare Node loop reads with. */
export const lz4 = compiledPackage({
  name: "lz4",
  estimate: "seconds",
  system: ["g++", "make", "python3"],
  files: ["Release/lz4.node", "Release/xxhash.node"],
});

/**
 * A package whose install script compiles `files` (under its build folder), which were left out at installation. They
 * are kept for each version and Node ABI.
 */
function compiledPackage({ name, estimate, system, files }) {
  const folder = join(ROOT, "node_modules", name);
  const build = join(folder, "build");
  const loads = () => probe(process.execPath, ["-e", `require(${JSON.stringify(name)})`]) !== undefined;
  const abi = () => {
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return `${version}-${process.platform}-${process.arch}-${process.versions.modules}`;
  };
  return {
    title: name,
    estimate,
    system,
    // What stands there may be a build for another platform that was published with the package.
    done: () => existsSync(join(build, files[0])) && isStamped(name, abi()),
    async run(report) {
      const cached = join(CACHE, `${name}-${abi()}`);
      if (existsSync(cached)) cpSync(cached, build, { recursive: true });
      if (!loads()) {
        report("compiling");
        await run("npm", ["rebuild", name]);
        if (!loads()) throw new SetupError(`${name} was compiled but does not load: try \`npm rebuild ${name}\``);
        if (process.platform === "linux") keep(build, files, cached);
      }
      stamp(name, abi());
    },
  };
}

function keep(build, files, cached) {
  mkdirSync(CACHE, { recursive: true });
  const incoming = mkdtempSync(`${cached}-`);
  for (const file of files) cpSync(join(build, file), join(incoming, file));
  rmSync(cached, { recursive: true, force: true });
  renameSync(incoming, cached);
}
