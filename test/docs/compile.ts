import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Test } from "tap";
import { ROOT } from "../harness/paths.js";
import { Child } from "../harness/process.js";

export interface Example {
  /** Where it stands, from the root. */
  file: string;
  /** The line of its first line, from 1. */
  line: number;
  code: string;
}

/** Compiles each example as a module of its own; errors are told with the file and line where it stands. */
export async function compileAll(t: Test, examples: readonly Example[]): Promise<void> {
  // Below the clone's node_modules, so that its packages are found.
  const cache = join(ROOT, "node_modules/.cache");
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "examples-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const module = ({ file, line }: Example) => `${file.replace(/\.\w+$/, "")}.${line}.ts`;
  for (const example of examples) {
    const path = join(folder, module(example));
    await mkdir(dirname(path), { recursive: true });
    // Blank lines above it let the compiler count the lines as the example's own file does.
    await writeFile(path, "\n".repeat(example.line - 1) + example.code);
  }
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  const compilerOptions = { noEmit: true, composite: false, declaration: false, declarationMap: false, rootDir: "." };
  const config = { extends: join(ROOT, "tsconfig.base.json"), compilerOptions, include: ["**/*.ts"] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));

  // tap gives its loaders to every Node below it, and tsc does not start with them.
  const args = ["-u", "NODE_OPTIONS", join(ROOT, "node_modules/.bin/tsc"), "-p", folder, "--pretty", "false"];
  const compiled = new Child({ command: "env", args, cwd: folder });
  const { code } = await compiled.exited();
  const lines = compiled.stdout.split("\n");
  for (const example of examples) {
    const errors = lines.filter((line) => line.startsWith(`${module(example)}(`));
    const place = `${example.file}:${example.line}`;
    t.strictSame(
      errors.map((error) => error.replace(/^.*?\((\d+),(\d+)\)/, `${example.file}:$1:$2`)),
      [],
      `${place}: the example compiles`,
    );
  }
  t.equal(code, 0, compiled.log);
}
