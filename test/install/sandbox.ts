import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { Child } from "../harness/process.js";

const PROGRAMS = ["node", "npm", "npx", "sh", "env", "cat"];

/** An empty folder and a PATH on which nothing can be compiled: neither Rust nor C++ is there. */
export class Sandbox {
  readonly folder: string;
  readonly #path: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.#path = join(folder, "bin");
  }

  static async create(): Promise<Sandbox> {
    const sandbox = new Sandbox(await mkdtemp(join(tmpdir(), "millrace-install-")));
    await mkdir(sandbox.#path);
    for (const program of PROGRAMS) await symlink(await located(program), join(sandbox.#path, program));
    return sandbox;
  }

  start(command: string, args: string[], cwd = this.folder): Child {
    const env = { PATH: this.#path, NODE_OPTIONS: "", NODE_PATH: "" };
    return new Child({ command: join(this.#path, command), args, cwd, env, group: true });
  }

  /** Runs a command to its end; an error with all that it wrote when it fails. */
  async run(command: string, args: string[], cwd?: string): Promise<string> {
    const child = this.start(command, args, cwd);
    const { code } = await child.exited(300_000);
    if (code !== 0) throw new Error(`${command} ${args.join(" ")}: exit code ${code}\n${child.log}`);
    return child.stdout;
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

async function located(program: string): Promise<string> {
  if (program === "node") return process.execPath;
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const found = await realpath(join(folder, program)).catch(() => undefined);
    if (found !== undefined) return found;
  }
  throw new Error(`${program} is not on the PATH`);
}

/** Packs a package folder as npm publishes it; the path of the tarball. */
export async function pack(folder: string, into: string): Promise<string> {
  await mkdir(into, { recursive: true });
  const before = new Set(await readdir(into));
  await promisify(execFile)("npm", ["pack", "--ignore-scripts", "--pack-destination", into], { cwd: folder });
  const made = (await readdir(into)).find((name) => !before.has(name));
  if (made === undefined) throw new Error(`npm pack made nothing of ${folder}`);
  return join(into, made);
}
