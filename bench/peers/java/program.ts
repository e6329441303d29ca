import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cached, classPath } from "../../../test/harness/maven.js";
import type { Command } from "../../../test/harness/process.js";

const run = promisify(execFile);

/** What runs well on few cores: no collector that works beside the program. */
const COLLECTOR = ["-XX:+UseParallelGC", "-XX:-UsePerfData"];
const LOG = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=error"];

/** A program in Java: a folder with a pom of dependencies and the sources. */
export class JavaProgram {
  #classPath = "";

  constructor(
    private readonly name: string,
    private readonly folder: string,
    private readonly main: string,
    private readonly jvm: readonly string[],
    /** More sources, by their names in this folder. */
    private readonly shared: readonly string[] = [],
  ) {}

  async setUp(say: (text: string) => void): Promise<void> {
    const pom = join(this.folder, "pom.xml");
    say(`${this.name}: jars`);
    const jars = await classPath(this.name, pom);
    const names = (await readdir(this.folder)).filter((file) => file.endsWith(".java")).sort();
    const shared = this.shared.map((file) => fileURLToPath(new URL(file, import.meta.url)));
    const sources = [...names.map((file) => join(this.folder, file)), ...shared];
    const classes = await cached("peers", this.name, [pom, ...sources], async (folder) => {
      say(`${this.name}: compiling`);
      await run("javac", ["-nowarn", "-cp", jars, "-d", folder, ...sources]);
    });
    this.#classPath = `${classes}:${jars}`;
  }

  command(env: Record<string, string>, folder: string): Command {
    const jvm = [...COLLECTOR, ...LOG, `-Djava.io.tmpdir=${folder}`, ...this.jvm];
    return { command: "java", args: [...jvm, "-cp", this.#classPath, this.main], env };
  }
}
