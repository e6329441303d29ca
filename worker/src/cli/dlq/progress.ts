import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Place } from "./places.js";

/** Lines of a file that were replayed. A file that was written since then is another one of the same name. */
interface Replayed {
  readonly lines: number;
  readonly mtimeMs: number;
}

/** How far a replay has come with the dead letters of a step that lie in files: a file beside them, which no source reads. */
export class Progress {
  readonly path: string;
  #files = new Map<string, Replayed>();

  constructor(directory: string, { job, step }: Place) {
    this.path = join(directory, `.millrace-dlq-${encodeURIComponent(`${job}-${step}`)}.json`);
  }

  /** @throws Error when it cannot be read; a step of which nothing was replayed has none */
  async load(): Promise<this> {
    const text = await readFile(this.path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "{}";
      throw error;
    });
    this.#files = new Map(Object.entries(JSON.parse(text) as Record<string, Replayed>));
    return this;
  }

  /** The lines of a file that were replayed. */
  linesOf(name: string, mtimeMs: number): number {
    const known = this.#files.get(name);
    return known?.mtimeMs === mtimeMs ? known.lines : 0;
  }

  /** Remembers them: after a crash it is as it was before, or as it is now. */
  async save(name: string, mtimeMs: number, lines: number): Promise<void> {
    this.#files.set(name, { lines: Math.max(lines, this.linesOf(name, mtimeMs)), mtimeMs });
    const next = `${this.path}.next`;
    await writeFile(next, JSON.stringify(Object.fromEntries(this.#files)), { flush: true });
    await rename(next, this.path);
  }
}
