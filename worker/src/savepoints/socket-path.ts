import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** Systems allow 103 bytes (macOS) or 107 (Linux). */
const LONGEST_BYTES = 100;

/** Where the worker whose local state is in `directory` listens: there, or where that is too long for a socket. */
export function socketPath(directory: string): string {
  const path = join(resolve(directory), "worker.sock");
  if (Buffer.byteLength(path) <= LONGEST_BYTES) return path;
  const name = createHash("sha256").update(resolve(directory)).digest("hex").slice(0, 16);
  return join(tmpdir(), `millrace-${name}.sock`);
}
