import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { StateError } from "millrace";
import { fromPlain } from "../errors.js";
import { type Answer, lines, type Request, send } from "./messages.js";
import type { Savepoint, SavepointPhase } from "./savepoint.js";

/** Whom to ask, and who hears of it. */
export interface Asking {
  readonly job: string;
  /** Where the worker listens. */
  readonly path: string;
  readonly onPhase: (phase: SavepointPhase) => void;
  readonly onWritten: (savepoint: Savepoint) => void;
}

/**
 * Asks the running worker of a job for a savepoint and waits for it; with `stop`, for the end of the job, too.
 *
 * @throws StateError when no worker runs, or there can be no such savepoint
 */
export async function askForSavepoint(request: Request, { job, path, onPhase, onWritten }: Asking): Promise<void> {
  const socket = await connected(job, path);
  let written = false;
  try {
    send(socket, request);
    for await (const message of lines(socket)) {
      const answer = message as Answer;
      if ("error" in answer) throw fromPlain(answer.error);
      if ("phase" in answer) onPhase(answer.phase);
      if (!("written" in answer)) continue;
      written = true;
      onWritten(answer.written);
    }
  } finally {
    socket.destroy();
  }
  if (!written) {
    throw new StateError(
      `savepoint "${request.savepoint}": the worker of job "${job}" is gone, and has not written it`,
    );
  }
}

async function connected(job: string, path: string): Promise<Socket> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    // A worker that is killed hangs up in its own way; what it has answered counts.
    socket.on("error", () => undefined);
    return socket;
  } catch {
    throw new StateError(
      `job "${job}" is not running here: no worker answers at ${path}. Ask on the worker's machine, in its working ` +
        "directory; the state of a job that does not run is in its last checkpoint",
    );
  }
}
