import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { cached } from "./maven.js";

const run = promisify(execFile);

/** A program of a Debian package: the one that is installed, or else the package's own, unpacked into the cache. */
export async function debianProgram(packageName: string, program: string): Promise<string> {
  const installed = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, program));
  const found = installed.find((path) => existsSync(path));
  if (found !== undefined) return found;
  const folder = await cached("servers", packageName, [], async (folder) => {
    await run("apt-get", ["download", packageName], { cwd: folder });
    const [archive] = await readdir(folder);
    await run("dpkg", ["-x", String(archive), folder], { cwd: folder });
  });
  return join(folder, "usr/bin", program);
}

/** A program that is built from the source of a Go module, such as "example.com/cmd/name@v1.2.3", into the cache. */
export async function goProgram(module: string): Promise<string> {
  const [path = "", version = ""] = module.split("@");
  const name = path.split("/").at(-1) ?? path;
  const folder = await cached("servers", `${name}-${version}`, [], async (folder) => {
    await run("go", ["install", module], { env: { ...process.env, GOBIN: folder }, maxBuffer: 1 << 26 });
  });
  return join(folder, name);
}

/** Packages of Python, without those that they may ask for, in a folder of the cache that is to be in PYTHONPATH. */
export async function pythonPackages(name: string, packages: readonly string[]): Promise<string> {
  const versions = packages.map((one) => one.split("==")[1]).join("-");
  return cached("servers", `${name}-${versions}`, [], async (folder) => {
    await run("python3", ["-m", "pip", "install", "-q", "--no-deps", "--target", folder, ...packages]);
  });
}
