import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type Job, PlanError } from "millrace";
import { register } from "tsx/esm/api";

let registered = false;

/** Imports a job file, TypeScript or JavaScript; its default export is the job. */
export async function loadJob(file: string): Promise<Job> {
  const path = resolve(file);
  await access(path).catch(() => {
    throw new PlanError(`there is no file ${path}`);
  });
  if (!registered) register();
  registered = true;
  const module: { default?: unknown } = await import(pathToFileURL(path).href);
  // A CommonJS file's exports are the default export themselves.
  const exported = isJob(module.default)
    ? module.default
    : (module.default as { default?: unknown } | undefined)?.default;
  if (!isJob(exported)) throw new PlanError(`${path} has no job: write \`export default job("name", ...)\``);
  return exported;
}

/** Told by what it can do, as the file may import another copy of the SDK. */
function isJob(value: unknown): value is Job {
  return typeof value === "object" && value !== null && "toPlan" in value && "functions" in value;
}
