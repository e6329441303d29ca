import { rm } from "node:fs/promises";
import { eventually } from "./eventually.js";
import { Child, type Command } from "./process.js";
import { ready } from "./ready.js";

const ANSWER_WITHIN_MS = 30_000;

/** A server on this machine, with a folder of its own, that may be killed and started again. */
export abstract class LocalServer {
  #server: Child;

  protected constructor(
    /** As errors call it. */
    private readonly name: string,
    readonly url: string,
    protected readonly directory: string,
    /** Starts it, and starts it again. */
    protected command: Command,
  ) {
    this.#server = new Child(command);
  }

  get log(): string {
    return this.#server.log;
  }

  /** Gives something where it does its work. */
  protected abstract answers(): Promise<unknown>;

  protected ready(withinMs?: number): Promise<void> {
    const answers = () => this.answers().catch(() => undefined);
    return ready(`${this.name} at ${this.url}`, this, this.#server, answers, withinMs);
  }

  /** Leaves connections open and answers nothing any more. */
  pause(): void {
    this.#server.signal("SIGSTOP");
  }

  resume(): void {
    this.#server.signal("SIGCONT");
  }

  async kill(): Promise<void> {
    this.#server.signal("SIGKILL");
    await this.#server.exited();
  }

  /** Lets it end in order. */
  async end(): Promise<void> {
    await this.#server.stop();
  }

  /** Starts it again after its end, on the same ports and with what it had. */
  async restart(): Promise<void> {
    this.#server = new Child(this.command);
    await this.ready();
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Asks it something over HTTP; an answer that is no success is an error. */
  protected async ask(path: string, init: RequestInit = {}): Promise<string> {
    // On a busy machine, or after it has stood still, it may break off a connection.
    const answer = await eventually(() => fetch(`${this.url}${path}`, init).catch(() => undefined), {
      what: `an answer of ${this.name} to ${path}`,
      withinMs: ANSWER_WITHIN_MS,
      detail: () => this.log,
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}\n${this.log}`);
    return text;
  }
}
