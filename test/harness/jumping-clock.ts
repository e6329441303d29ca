import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "./paths.js";

const run = promisify(execFile);
const SOURCE = join(ROOT, "test/harness/jumping-clock.c");
const HOUR_S = 3600;

/**
 * A wall clock that jumps while programs run that were started with its environment. (libfaketime 0.9.10 does not know
 * `cnd_timedwait`: librdkafka takes its times and then waits for them by the machine's clock, for hours.)
 */
export class JumpingClock {
  readonly env: Record<string, string>;
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
    this.env = { LD_PRELOAD: join(directory, "clock.so"), JUMPING_CLOCK: this.#file };
  }

  /** Gives why there can be none where it cannot be compiled. */
  static async start(): Promise<JumpingClock | string> {
    const clock = new JumpingClock(await mkdtemp(join(tmpdir(), "millrace-clock-")));
    try {
      await run("cc", ["-shared", "-fPIC", "-O1", "-o", clock.env.LD_PRELOAD as string, SOURCE]);
      await writeFile(clock.#file, Buffer.alloc(8));
      return clock;
    } catch (error) {
      await clock.stop();
      return `the clock cannot be compiled: ${error instanceof Error ? error.message : error}`;
    }
  }

  /** By how many hours it is before or behind the machine's. */
  async set(hours: number): Promise<void> {
    const seconds = Buffer.alloc(8);
    seconds.writeBigInt64LE(BigInt(hours * HOUR_S));
    // In place: programs have the file in their memory.
    await writeFile(this.#file, seconds, { flag: "r+" });
  }

  async stop(): Promise<void> {
    await rm(this.#directory, { recursive: true });
  }

  get #file(): string {
    return join(this.#directory, "seconds");
  }
}
