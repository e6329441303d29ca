import { chmod, lstat, mkdir, unlink } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { StateError } from "millrace";
import { toPlain } from "../errors.js";
import { asRequest, lines, type Request, send } from "./messages.js";
import type { Savepoint, SavepointPhase } from "./savepoint.js";

/** Writes the savepoint that is asked for. */
export type Write = (request: Request, onPhase: (phase: SavepointPhase) => void) => Promise<Savepoint>;

/** Answers `millrace savepoint create` while a job runs. */
export class SavepointService {
  readonly #sockets = new Set<Socket>();
  readonly #answers = new Set<Promise<boolean>>();

  private constructor(private readonly server: Server) {}

  /**
   * Listens at `path`, in place of a worker that is gone.
   *
   * @throws StateError when another worker answers there
   */
  static async listen(path: string, write: Write): Promise<SavepointService> {
    await mkdir(dirname(path), { recursive: true });
    await removeStale(path);
    const server = createServer();
    const service = new SavepointService(server);
    server.on("connection", (socket) => service.#serve(socket, write));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(path, resolve);
    });
    await chmod(path, 0o600);
    return service;
  }

  /** Hangs up: the job has ended. What has become of savepoints is told first. The socket's file goes with it. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#answers);
    for (const socket of this.#sockets) socket.destroySoon();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #serve(socket: Socket, write: Write): Promise<void> {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    // Whoever asked has gone; what was asked for goes on.
    socket.on("error", () => undefined);
    try {
      for await (const message of lines(socket)) {
        const request = asRequest(message);
        const answer = answerTo(request, socket, write);
        this.#answers.add(answer);
        const isWritten = await answer;
        this.#answers.delete(answer);
        if (!isWritten || !request.stop) break;
      }
    } catch (error) {
      send(socket, { error: toPlain(error) });
    }
    socket.end();
  }
}

/** False: there is no savepoint. */
async function answerTo(request: Request, socket: Socket, write: Write): Promise<boolean> {
  try {
    send(socket, { written: await write(request, (phase) => send(socket, { phase })) });
    return true;
  } catch (error) {
    send(socket, { error: toPlain(error) });
    return false;
  }
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket())
    throw new StateError(`${path} is no socket: remove it, or give the job another state.directory`);
  if (await isAnswered(path)) {
    throw new StateError(`${path}: another worker of this job is running. Stop one of them: a job runs once`);
  }
  await unlink(path);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
