import { loadJob } from "../../job-file.js";
import { askForSavepoint } from "../../savepoints/ask.js";
import type { Savepoint, SavepointPhase } from "../../savepoints/savepoint.js";
import { socketPath } from "../../savepoints/socket-path.js";
import { savepointName } from "../../start.js";
import { asLoadError, exitCode, report } from "../exit-code.js";
import { duration, size } from "../figures.js";
import { storageOf } from "./storage-of.js";

const PHASES: Record<SavepointPhase, string> = {
  waiting: "waits for its barrier",
  writing: "is being written",
};

/** `millrace savepoint create`: the exit code. */
export async function createSavepoint(
  file: string,
  name: string,
  { stop = false }: { readonly stop?: boolean },
): Promise<number> {
  const say = (text: string) => process.stdout.write(`${text}\n`);
  const startedMs = performance.now();
  const onWritten = ({ checkpoint, bytes }: Savepoint) => {
    const took = duration(performance.now() - startedMs);
    say(`savepoint "${name}" is written: checkpoint ${checkpoint}, ${size(bytes)}, in ${took}`);
  };
  try {
    const job = await loadJob(file);
    const { state } = storageOf(job);
    await askForSavepoint(
      { savepoint: savepointName(name), stop },
      {
        job: job.name,
        path: socketPath(state.directory),
        onPhase: (phase) => say(`savepoint "${name}" ${PHASES[phase]}`),
        onWritten,
      },
    );
    if (stop) say(`job "${job.name}" has ended`);
    return 0;
  } catch (error) {
    const known = asLoadError(error);
    process.stderr.write(`${report(known)}\n`);
    return exitCode(known);
  }
}
