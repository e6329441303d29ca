import { explain } from "millrace";
import { loadJob } from "../job-file.js";
import { asLoadError, exitCode, report } from "./exit-code.js";

/** `millrace explain`: the exit code. */
export async function explainJob(file: string, options: { readonly parallelism?: number }): Promise<number> {
  try {
    const job = await loadJob(file);
    process.stdout.write(`${explain(job, options)}\n`);
    for (const warning of job.warnings) process.stderr.write(`${warning}\n`);
    return 0;
  } catch (error) {
    const known = asLoadError(error);
    process.stderr.write(`${report(known)}\n`);
    return exitCode(known);
  }
}
