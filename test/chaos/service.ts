import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import type { Random } from "../harness/random.js";

/** Codes of a job that a trouble has ended: source, sink, state, and a kill. */
const ENDED_BY_TROUBLE = [4, 5, 7];
const TAKEN_OVER = 8;
const KILLED = 137;
const LOGS_KEPT = 4;

/** Keeps a job running, as systemd would: whenever it ends it is started again, each time at some other parallelism. */
export class Service {
  /** Starts after an end that nobody asked for. */
  restarts = 0;
  /** Starts within the process. */
  retries = 0;
  readonly #env: Record<string, string>;
  readonly #random: Random;
  readonly #say: (line: string) => void;
  #current: Job;
  #logs: string[] = [];
  #defect: Error | undefined;
  #isStopping = false;

  constructor(env: Record<string, string>, random: Random, say: (line: string) => void) {
    this.#env = env;
    this.#random = random;
    this.#say = say;
    this.#current = this.#start();
  }

  /** Of the last workers. */
  get log(): string {
    return [...this.#logs, this.#current.log].join("\n");
  }

  /** Fails once the job has ended as no trouble may end it. */
  check(): void {
    if (this.#defect) throw this.#defect;
  }

  async kill(): Promise<void> {
    const worker = this.#current;
    worker.signal("SIGKILL");
    await worker.exit;
  }

  /** Starts another worker beside the one that runs; the earlier one has to find out. Gives what it has said. */
  async startTwice(withinMs: number): Promise<string> {
    const earlier = this.#current;
    await eventually(() => earlier.stderr.includes("running with"), { what: "a start", detail: () => this.log });
    this.#current = this.#start();
    const { code } = await earlier.exited(withinMs);
    if (code !== TAKEN_OVER) throw new Error(`the earlier worker ended with ${code}\n${earlier.log}`);
    return lastLine(earlier);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const { code } = await this.#current.stop(30_000);
    this.check();
    if (code !== 0) throw new Error(`the job ended with ${code}\n${this.log}`);
  }

  /** Nothing of it runs after this. */
  end(): void {
    this.#isStopping = true;
    this.#current.signal("SIGKILL");
  }

  #start(): Job {
    const PARALLELISM = String(1 + this.#random.below(4));
    const BACKEND = this.#random.below(2) === 0 ? "rocksdb" : "fs";
    const job = Job.run("windows.ts", { env: { ...this.#env, PARALLELISM, BACKEND } });
    void job.exit.then(({ code }) => this.#onExit(job, code));
    return job;
  }

  #onExit(job: Job, code: number): void {
    this.#logs = [...this.#logs, job.log].slice(-LOGS_KEPT);
    this.retries += job.stderr.split("restarting in").length - 1;
    // Another that was started beside it has taken its place.
    if (this.#isStopping || job !== this.#current) return;
    if (code !== KILLED) {
      this.#say(`the worker has ended with ${code}: ${lastLine(job)}`);
      this.restarts += 1;
      if (!ENDED_BY_TROUBLE.includes(code)) this.#defect ??= new Error(`the job ended with ${code}\n${job.log}`);
    }
    this.#current = this.#start();
  }
}

/** The message of the last line of a job's log. */
function lastLine({ stderr }: Job): string {
  const line = stderr.trimEnd().split("\n").at(-1) ?? "";
  return /"msg":"(.*)"\}$/.exec(line)?.[1] ?? line;
}
