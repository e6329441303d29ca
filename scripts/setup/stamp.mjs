import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./places.mjs";

// Stamps go when node_modules goes, and with it most of what they vouch for.
const STAMPS = join(ROOT, "node_modules/.cache/millrace");

/** Whether the step `name` was last finished for these inputs. */
export function isStamped(name, digest) {
  try {
    return readFileSync(join(STAMPS, name), "utf8") === digest;
  } catch {
    return false;
  }
}

export function stamp(name, digest) {
  mkdirSync(STAMPS, { recursive: true });
  writeFileSync(join(STAMPS, name), digest);
}

/** A digest over the contents of files and folders, given relative to the root; folders count only what `keep` keeps. */
export function digest(paths, keep = () => true, ...more) {
  const hash = createHash("sha256");
  for (const file of paths.flatMap((path) => filesOf(path, keep))) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(ROOT, file)))
      .update("\0");
  }
  for (const text of more) hash.update(`${text}\0`);
  return hash.digest("hex").slice(0, 16);
}

const NOT_SOURCES = new Set(["node_modules", "dist", "generated", "target"]);

/** The files below a path of the root, without what is generated; folders count only what `keep` keeps. */
export function filesOf(path, keep) {
  let entries;
  try {
    entries = readdirSync(join(ROOT, path), { withFileTypes: true });
  } catch (error) {
    if (error.code === "ENOTDIR") return [path];
    throw error;
  }
  return entries
    .filter((entry) => !NOT_SOURCES.has(entry.name))
    .map((entry) => ({ path: join(path, entry.name), folder: entry.isDirectory() }))
    .filter((entry) => entry.folder || keep(entry.path))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .flatMap((entry) => (entry.folder ? filesOf(entry.path, keep) : [entry.path]));
}
