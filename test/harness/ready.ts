import { eventually } from "./eventually.js";
import type { Child } from "./process.js";

const READY_WITHIN_MS = 60_000;

/** Waits until a server that has just been started answers; one that does not is stopped, and its log told. */
export async function ready(
  name: string,
  server: { stop(): Promise<void> },
  child: Child,
  answers: () => unknown,
  withinMs = READY_WITHIN_MS,
): Promise<void> {
  try {
    await eventually(
      () => {
        if (!child.running) throw new Error(`${name} ended while it started\n${child.log}`);
        return answers();
      },
      { what: name, withinMs, detail: () => child.log },
    );
  } catch (error) {
    await server.stop();
    throw error;
  }
}
