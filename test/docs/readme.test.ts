import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { ROOT } from "../harness/paths.js";
import { Child } from "../harness/process.js";

t.test("the README's job compiles, and explain shows its plan", async (t) => {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const source = /```ts\n(import .*?)```/s.exec(readme)?.[1];
  // Below the clone's node_modules, so that its packages are found.
  const cache = join(ROOT, "node_modules/.cache");
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "readme-"));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "job.ts"), String(source));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  const config = { extends: join(ROOT, "tsconfig.base.json"), compilerOptions: { noEmit: true, composite: false } };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ ...config, files: ["job.ts"] }));

  // tap gives its loaders to every Node below it, and tsc does not start with them.
  const args = ["-u", "NODE_OPTIONS", join(ROOT, "node_modules/.bin/tsc"), "-p", folder];
  const compiled = new Child({ command: "env", args });
  t.equal((await compiled.exited()).code, 0, compiled.log);

  const cli = join(ROOT, "sdk/bin/millrace.js");
  const explained = new Child({ command: process.execPath, args: [cli, "explain", join(folder, "job.ts")] });
  t.equal((await explained.exited()).code, 0, explained.log);
  for (const step of ["kafka(bids)", "tumbling 10s", "kafka(revenue)"]) t.match(explained.stdout, step);
});
