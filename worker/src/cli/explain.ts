import { explain } from "millrace";
import { loadJob } from "../job-file.js";
import { asLoadError, exitCode, report } from "./exit-code.js";

/** `millrace explain`: the exit code. */
export async function explainJob(file: string, options: { readonly parallelism?: number }): Promise<number> {
  try {
    process.stdout.write(`${explain(await loadJob(file), options)}\n`);
    return 0;
  } catch (error) {
    const known = asLoadError(error);
    process.stderr.write(`${report(known)}\n`);
    return exitCode(known);
  }
}
