import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import { InternalError } from "millrace";
import type { PlainError } from "../errors.js";
import type { Savepoint, SavepointPhase } from "./savepoint.js";

/** What a worker is asked, a line of JSON. */
export interface Request {
  readonly savepoint: string;
  readonly stop: boolean;
}

/** What it answers: phases, and then one of the others. With `stop` it hangs up when the job has ended. */
export type Answer =
  | { readonly phase: SavepointPhase }
  | { readonly written: Savepoint }
  | { readonly error: PlainError };

export function send(socket: Socket, message: Request | Answer): void {
  socket.write(`${JSON.stringify(message)}\n`);
}

/** The lines that come, until the other end hangs up. */
export async function* lines(socket: Socket): AsyncGenerator<unknown> {
  try {
    for await (const line of createInterface({ input: socket })) yield JSON.parse(line);
  } catch (error) {
    // Whoever is killed does not hang up in order.
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}

export function asRequest(message: unknown): Request {
  if (typeof message === "object" && message !== null && "savepoint" in message && "stop" in message) {
    const { savepoint, stop } = message;
    if (typeof savepoint === "string" && typeof stop === "boolean") return { savepoint, stop };
  }
  throw new InternalError(`the worker is of another version: it does not understand ${JSON.stringify(message)}`);
}
