import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const TEMPLATE = fileURLToPath(new URL("../../templates/project", import.meta.url));
const VERSION_OF = new URL("../../package.json", import.meta.url);

/** `millrace init`: makes a project in an empty or new folder. The exit code. */
export async function init(folder: string): Promise<number> {
  const path = resolve(folder);
  await mkdir(path, { recursive: true });
  if ((await readdir(path)).length > 0) {
    process.stderr.write(`${path} is not empty: name a new folder\n`);
    return 2;
  }
  await cp(TEMPLATE, path, { recursive: true });
  const { version } = JSON.parse(await readFile(VERSION_OF, "utf8")) as { version: string };
  const manifest = join(path, "package.json");
  const text = await readFile(manifest, "utf8");
  await writeFile(manifest, text.replace("{{name}}", packageName(path)).replace("{{version}}", version));
  process.stdout.write(`Made a project in ${path}.\n\n  cd ${folder}\n  npm install\n  npm start\n`);
  return 0;
}

/** What npm allows of the folder's name. */
function packageName(path: string): string {
  return (
    basename(path)
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, "-")
      .replace(/^-+|-+$/g, "") || "millrace-project"
  );
}
