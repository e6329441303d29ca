import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { eventually } from "./eventually.js";

export interface Exit {
  /** As a shell reports it: the exit code, or 128 plus the number of the signal. */
  code: number;
}

export interface Command {
  command: string;
  args: string[];
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** Signals go to what the command has started, too: npm does not always pass them on. */
  group?: boolean;
}

// The child replaces this shell, so its pid is the shell's. The subshell waits for the end of descriptor 3, which this
// process holds open: it comes when this process has ended, in whatever way, and then the child is killed.
const GUARD = '(cat <&3; kill -KILL $$) >/dev/null 2>&1 </dev/null & exec "$@" 3<&-';

/** A child process that never outlives this one. */
export class Child {
  readonly pid: number;
  readonly exit: Promise<Exit>;
  stdout = "";
  stderr = "";
  #exited: Exit | undefined;
  #child: ChildProcess;
  readonly #group: boolean;

  constructor({ command, args, env, cwd, group = false }: Command) {
    this.#group = group;
    this.#child = spawn("/bin/sh", ["-c", GUARD, "sh", command, ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      detached: group,
    });
    if (this.#child.pid === undefined) throw new Error(`${command} could not be started`);
    this.pid = this.#child.pid;
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.exit = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("close", (code, signal) => {
        this.#exited = { code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) };
        resolve(this.#exited);
      });
      // The subshell ends, too, once nothing is left to guard.
      this.#child.once("exit", () => this.#child.stdio[3]?.destroy());
    });
  }

  get running(): boolean {
    return this.#exited === undefined;
  }

  /** Everything the child wrote, for the message of a failed test. */
  get log(): string {
    return `--- stdout\n${this.stdout}\n--- stderr\n${this.stderr}`;
  }

  signal(name: NodeJS.Signals): void {
    if (this.running) process.kill(this.#group ? -this.pid : this.pid, name);
  }

  /** Waits for the child's own end; fails, and kills it, at the deadline. */
  async exited(withinMs = 60_000): Promise<Exit> {
    try {
      return await eventually(() => this.#exited, {
        what: `exit of process ${this.pid}`,
        withinMs,
        detail: () => this.log,
      });
    } catch (error) {
      this.signal("SIGKILL");
      throw error;
    }
  }

  /** Ends the child: SIGTERM, then SIGKILL after `graceMs`. */
  async stop(graceMs = 10_000): Promise<Exit> {
    this.signal("SIGCONT");
    this.signal("SIGTERM");
    const force = setTimeout(() => this.signal("SIGKILL"), graceMs);
    try {
      return await this.exit;
    } finally {
      clearTimeout(force);
    }
  }
}
