import { execFile } from "node:child_process";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const PART = Buffer.alloc(1 << 16);
const FILL_EVERY_MS = 10;

/** A file system of its own that can be filled to the last byte. */
export class SmallDisk {
  readonly path: string;
  readonly #ballast: string;

  private constructor(path: string) {
    this.path = path;
    this.#ballast = join(path, "ballast");
  }

  /** Gives why there can be none where the system does not let this process mount one. */
  static async mount(megabytes: number): Promise<SmallDisk | string> {
    const path = await mkdtemp(join(tmpdir(), "millrace-disk-"));
    try {
      await run("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path]);
      return new SmallDisk(path);
    } catch (error) {
      await rm(path, { recursive: true });
      return `no disk can be mounted: ${String((error as { stderr?: string }).stderr ?? error).trim()}`;
    }
  }

  /** Full for so long, whatever is removed meanwhile; then free again. */
  async stayFull(lastsMs: number): Promise<void> {
    const end = performance.now() + lastsMs;
    while (performance.now() < end) {
      await this.fill();
      await delay(FILL_EVERY_MS);
    }
    await this.free();
  }

  async fill(): Promise<void> {
    const file = await open(this.#ballast, "a");
    try {
      for (let bytes = PART.length; bytes > 0; ) {
        const isFull = await file.write(PART, 0, bytes).then(({ bytesWritten }) => bytesWritten < bytes, fullOrThrow);
        // Others may remove much of theirs meanwhile, which single bytes would take minutes to fill.
        bytes = isFull ? bytes >> 1 : Math.min(2 * bytes, PART.length);
      }
    } finally {
      await file.close();
    }
  }

  async free(): Promise<void> {
    await rm(this.#ballast, { force: true });
  }

  async unmount(): Promise<void> {
    // A process that was killed just now may hold it for a moment.
    await run("umount", ["--lazy", this.path]);
    await rm(this.path, { recursive: true });
  }
}

function fullOrThrow(error: NodeJS.ErrnoException): true {
  if (error.code !== "ENOSPC") throw error;
  return true;
}
