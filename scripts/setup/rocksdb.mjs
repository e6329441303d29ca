import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, SetupError } from "./command.mjs";
import { CACHE } from "./places.mjs";

// The version of the crate `librocksdb-sys`: the library must be the one that its bindings describe.
const VERSION = "10.4.2";

// RocksDB's own release for Java holds the library, C interface included; compiling it takes 10 to 20 minutes on 2 cores.
const RELEASES = {
  "linux-x64": {
    jar: `rocksdbjni-${VERSION}-linux64.jar`,
    library: "librocksdbjni-linux64.so",
    sha256: "34a9b9ab5bdb128c058363d72a83ab5d0a498a97df9cf1291f1a6e9260bb70b1",
  },
};

const FOLDER = join(CACHE, `rocksdb-${VERSION}`);
const LIBRARY = join(FOLDER, "librocksdb.so");
const release = process.env.ROCKSDB_COMPILE ? undefined : RELEASES[`${process.platform}-${process.arch}`];

/** RocksDB's release library. On other platforms, and with ROCKSDB_COMPILE=1, it is compiled with the native core. */
export const rocksdb = {
  title: `RocksDB ${VERSION}`,
  estimate: "seconds",
  system: ["python3"],
  done: () => release === undefined || existsSync(LIBRARY),
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "millrace-rocksdb-"));
    try {
      const jar = join(folder, release.jar);
      writeFileSync(
        jar,
        await download(`https://repo1.maven.org/maven2/org/rocksdb/rocksdbjni/${VERSION}/${release.jar}`),
      );
      await run("python3", ["-m", "zipfile", "-e", jar, folder]);
      mkdirSync(FOLDER, { recursive: true });
      const incoming = `${LIBRARY}.${process.pid}`;
      writeFileSync(incoming, readFileSync(join(folder, release.library)));
      renameSync(incoming, LIBRARY);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function download(url) {
  const answer = await fetch(url).catch((error) => {
    throw new SetupError(`${url} could not be read: ${error.cause?.message ?? error.message}`);
  });
  if (!answer.ok) throw new SetupError(`${url} answers ${answer.status}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== release.sha256) throw new SetupError(`${url} has the SHA-256 ${found}, not ${release.sha256}`);
  return bytes;
}

/** The library that the addon is linked to and that has to lie beside it; `undefined` where it is compiled in. */
export const rocksdbLibrary = () => (release === undefined ? undefined : LIBRARY);

/** What cargo has to know of it. */
export const rocksdbEnv = () => (release === undefined ? {} : { ROCKSDB_LIB_DIR: FOLDER });
