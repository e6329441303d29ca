import { copyFile, cp, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import t from "tap";
import { eventually } from "../harness/eventually.js";
import { ROOT } from "../harness/paths.js";
import { pack, Sandbox } from "./sandbox.js";

/** The tarballs of every package, with the binary that was built here as the platform's package. */
async function tarballs(into: string): Promise<string[]> {
  const native = join(ROOT, "native");
  const binary = (await readdir(native)).find((name) => name.endsWith(".node"));
  if (binary === undefined) throw new Error("the native core has not been built: npm run setup");
  const triple = binary.split(".")[1] as string;
  const platform = join(into, "platform");
  await cp(join(native, "npm", triple), platform, { recursive: true });
  // What is published is what the platform's package says.
  const { files } = JSON.parse(await readFile(join(platform, "package.json"), "utf8")) as { files: string[] };
  for (const file of files) await copyFile(join(native, file), join(platform, file));
  const made = [];
  for (const folder of ["sdk", "worker", "connectors", "native"]) made.push(await pack(join(ROOT, folder), into));
  return [...made, await pack(platform, into)];
}

t.test("the packed packages install without a compiler, and a new project runs", async (t) => {
  const sandbox = await Sandbox.create();
  t.teardown(() => sandbox.remove());
  const packages = await tarballs(join(sandbox.folder, "tarballs"));
  const home = join(sandbox.folder, "empty");
  await mkdir(home);

  await sandbox.run("npm", ["install", "--no-audit", "--no-fund", ...packages], home);
  await sandbox.run("npx", ["millrace", "init", "app"], home);
  const app = join(home, "app");
  await sandbox.run("npm", ["install", "--no-audit", "--no-fund", ...packages], app);
  const started = sandbox.start("npm", ["start"], app);
  t.teardown(() => started.stop());
  await eventually(() => /\d/.test(started.stdout.split("\n").slice(4).join("\n")), {
    what: "results of the new project",
    detail: () => started.log,
  });
  const { code } = await started.stop();

  t.ok([0, 130, 143].includes(code), started.log);
});
