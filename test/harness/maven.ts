import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { CACHE } from "./paths.js";

const run = promisify(execFile);

/** The class path of a pom's dependencies; they are copied into the cache once for each content of the pom. */
export async function classPath(name: string, pom: string): Promise<string> {
  const lib = await cached("servers", name, [pom], async (folder) => {
    await run("mvn", ["-q", "-B", "-f", pom, "dependency:copy-dependencies", `-DoutputDirectory=${folder}`]);
  });
  return join(lib, "*");
}

/** A folder of the cache, which `make` fills once for each content of the files that it is made from. */
export async function cached(
  kind: string,
  name: string,
  files: readonly string[],
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) hash.update(await readFile(file));
  const parent = join(CACHE, kind);
  const folder = join(parent, `${name}-${hash.digest("hex").slice(0, 12)}`);
  if (await stat(folder).catch(() => undefined)) return folder;
  await mkdir(parent, { recursive: true });
  const incoming = await mkdtemp(join(parent, `${name}-incoming-`));
  try {
    await make(incoming);
    // A run beside this one may have been faster: what it put there is the same.
    await rename(incoming, folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
  return folder;
}
