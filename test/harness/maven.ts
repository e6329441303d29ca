import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { CACHE } from "./paths.js";

const run = promisify(execFile);

/** The class path of a pom's dependencies; they are copied into the cache once for each content of the pom. */
export async function classPath(name: string, pom: string): Promise<string> {
  const hash = createHash("sha256")
    .update(await readFile(pom))
    .digest("hex")
    .slice(0, 12);
  const servers = join(CACHE, "servers");
  const lib = join(servers, `${name}-${hash}`);
  if (await stat(lib).catch(() => undefined)) return join(lib, "*");
  await mkdir(servers, { recursive: true });
  const incoming = await mkdtemp(join(servers, `${name}-incoming-`));
  try {
    await run("mvn", ["-q", "-B", "-f", pom, "dependency:copy-dependencies", `-DoutputDirectory=${incoming}`]);
    // A run beside this one may have been faster: what it put there is the same.
    await rename(incoming, lib).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
  return join(lib, "*");
}
