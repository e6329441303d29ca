import { fileURLToPath } from "node:url";
import { MessageChannel } from "node:worker_threads";
import type { EndpointFigures } from "@millrace/connectors/http";
import type { Field, Job, MillraceError } from "millrace";
import { Piscina } from "piscina";
import { type DriverFigures, Drivers } from "./drivers/drivers.js";
import { asMillraceError, fromPlain, type PlainError, toPlain } from "./errors.js";
import { HttpSinks } from "./http-sinks.js";
import { type JobMetrics, NativeJob } from "./native.js";
import { type Savepoint, type SavepointOptions, untilWritten } from "./savepoints/savepoint.js";
import type { SchemaIds } from "./schemas.js";
import { secretOf } from "./secrets.js";
import type { ShownRows, SlotTask } from "./slot-thread.js";
import { type Start, savepointName } from "./start.js";

export interface RunOptions {
  /** Slots; it goes before the job's own. */
  readonly parallelism?: number | undefined;
  /** Gets the rows of table sinks. */
  readonly show?: ((shown: ShownRows) => void) | undefined;
  /** Gets what somebody had better look at while the job goes on. */
  readonly warn?: ((text: string) => void) | undefined;
  /** "latest" by default. */
  readonly start?: Start | undefined;
  /** Ids of steps that the job does not have any more: what is stored of them is left out. */
  readonly allowDropped?: readonly string[] | undefined;
  /** Those of `prepareSchemas`, which sinks need that write by a schema registry. */
  readonly schemaIds?: SchemaIds | undefined;
}

/** A job that runs in this process: a thread for each slot. */
export class Run {
  readonly parallelism: number;
  /** Settles when the job has ended: with the first error, if one ended it. */
  readonly ended: Promise<MillraceError | undefined>;
  readonly #job: NativeJob;
  #hasEnded = false;
  #http: HttpSinks | undefined;
  #drivers: Drivers | undefined;

  /**
   * @throws PlanError when the core refuses the plan, StateError when what it is to begin with cannot be had, SourceError or
   *   SinkError when a secret cannot be read
   */
  constructor(
    job: Job,
    file: string,
    { parallelism, show, warn = () => {}, start = "latest", allowDropped = [], schemaIds }: RunOptions = {},
  ) {
    try {
      const plan = job.toPlan({
        schemaIds,
        readSecret: secretOf,
        ...(parallelism === undefined ? {} : { parallelism }),
      });
      this.#job = new NativeJob(plan, undefined, start, allowDropped);
    } catch (error) {
      throw asMillraceError(error);
    }
    this.parallelism = this.#job.parallelism;
    const needed = job.functions.length > 0 ? file : undefined;
    this.ended = this.#run(job, { file: needed, jobId: this.#job.id, tables: tableFields(job) }, show, warn).finally(
      () => {
        this.#hasEnded = true;
      },
    );
  }

  /** Figures since the start. */
  metrics(): JobMetrics {
    return this.#job.metrics();
  }

  /** Figures of the endpoints of HTTP sinks since the start. */
  endpoints(): EndpointFigures[] {
    return this.#http?.figures() ?? [];
  }

  /** Figures of the drivers of its steps since the start. */
  drivers(): DriverFigures[] {
    return this.#drivers?.figures() ?? [];
  }

  /** Ends the job in order: what was read is emitted and made durable, and positions are committed. */
  stop(): void {
    this.#job.stop();
  }

  /**
   * Writes a savepoint of the next barrier, which comes at once; with `stop` it is the last, and the job ends in order.
   *
   * @throws StateError when there can be no savepoint of that name, or it cannot be written
   */
  async savepoint(name: string, { stop = false, onPhase }: SavepointOptions = {}): Promise<Savepoint> {
    const number = this.#askFor(savepointName(name), stop);
    return await untilWritten(this.#job, { number, name }, () => this.#hasEnded, onPhase);
  }

  #askFor(name: string, stop: boolean): number {
    try {
      return this.#job.savepoint(name, stop);
    } catch (error) {
      throw asMillraceError(error);
    }
  }

  async #run(
    job: Job,
    task: Omit<SlotTask, "index" | "port">,
    show: RunOptions["show"],
    warn: (text: string) => void,
  ): Promise<MillraceError | undefined> {
    try {
      this.#http = await HttpSinks.open(job, this.#job, warn);
      this.#drivers = await Drivers.open(job, this.#job);
      return await this.#runSlots(task, show);
    } catch (error) {
      this.#job.cancel();
      return asMillraceError(error);
    } finally {
      this.#job.close();
      await this.#http?.close();
      await this.#drivers?.close();
    }
  }

  async #runSlots(
    task: Omit<SlotTask, "index" | "port">,
    show: RunOptions["show"],
  ): Promise<MillraceError | undefined> {
    const slots = this.parallelism;
    const pool = new Piscina({
      filename: fileURLToPath(new URL("./slot-thread.js", import.meta.url)),
      minThreads: slots,
      maxThreads: slots,
      concurrentTasksPerWorker: 1,
      // tsx is registered by the thread itself.
      execArgv: [],
    });
    let first: PlainError | undefined;
    const runSlot = async (index: number) => {
      const { port1, port2 } = new MessageChannel();
      port1.on("message", (rows: ShownRows) => show?.(rows));
      const slot: SlotTask = { ...task, index, port: port2 };
      const error: PlainError | undefined = await pool.run(slot, { transferList: [port2] }).catch(toPlain);
      first ??= error;
      // A slot that never opened leaves the others waiting.
      if (error !== undefined) this.#job.cancel();
    };
    await Promise.all(Array.from({ length: slots }, (_, index) => runSlot(index)));
    await pool.destroy();
    return first === undefined ? undefined : fromPlain(first);
  }
}

function tableFields(job: Job): Map<string, readonly Field[]> {
  const tables = job.steps.flatMap(({ step, fields }) =>
    step.kind === "sink" && step.config.kind === "table" ? [[step.config.title, fields] as const] : [],
  );
  return new Map(tables);
}
