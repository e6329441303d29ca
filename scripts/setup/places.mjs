import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What is slow to make and outlives a clone: compiled dependencies, tools, servers. */
export const CACHE =
  process.env.MILLRACE_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "millrace");
