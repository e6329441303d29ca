import type { CallFigures, Driver, Step } from "@millrace/connectors/driver";
import { type Job, type MillraceError, SinkError, SourceError } from "millrace";
import type { DriverCall, NativeJob } from "../native.js";
import { LookupCalls } from "./lookup-calls.js";
import { SinkCalls } from "./sink-calls.js";
import { SourceCalls } from "./source-calls.js";

/** Figures of the driver of one step since the start. */
export interface DriverFigures extends CallFigures {
  readonly step: string;
  /** Those that were written, read or found. */
  readonly rows: number;
  readonly calls: number;
  readonly inFlight: number;
}

/** Those that its calls are answered with. */
export type ServedFigures = Omit<DriverFigures, "step" | "calls" | "inFlight">;

/** What serves the calls of one step. */
export interface Serving {
  serve(call: DriverCall): Promise<void>;
  figures(): ServedFigures;
  close(): Promise<void>;
}

/** Has the drivers of a running job do what its steps want. */
export class Drivers {
  readonly #native: NativeJob;
  readonly #steps: ReadonlyMap<string, Served>;

  private constructor(native: NativeJob, steps: ReadonlyMap<string, Served>) {
    this.#native = native;
    this.#steps = steps;
    native.onCalls(() => this.#take());
  }

  /**
   * Connects them; `undefined` where the job has no such steps.
   *
   * @throws SourceError, SinkError when the other side cannot be reached or refuses what it is asked for
   */
  static async open(job: Job, native: NativeJob): Promise<Drivers | undefined> {
    const connected: [string, Served][] = [];
    try {
      for (const step of stepsOf(job)) {
        const serving = await connect(step, native).catch((error) => {
          throw step.failed(message(error));
        });
        connected.push([step.id, { ...step.about, serving, calls: 0, inFlight: 0 }]);
      }
    } catch (error) {
      await Promise.allSettled(connected.map(([, { serving }]) => serving.close()));
      throw error;
    }
    return connected.length === 0 ? undefined : new Drivers(native, new Map(connected));
  }

  figures(): DriverFigures[] {
    return [...this.#steps].map(([step, { calls, inFlight, serving }]) => ({
      step,
      calls,
      inFlight,
      ...serving.figures(),
    }));
  }

  /** Asks for nothing more; what is on its way is not waited for. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#steps.values()].map(({ serving }) => serving.close()));
  }

  #take(): void {
    for (const call of this.#native.takeCalls()) void this.#serve(call);
  }

  async #serve(call: DriverCall): Promise<void> {
    const step = this.#steps.get(call.step);
    if (step === undefined) {
      this.#native.callFailed(call.id, `there is no driver for the step "${call.step}"`);
      return;
    }
    step.calls += 1;
    step.inFlight += 1;
    try {
      await step.serving.serve(call);
    } catch (error) {
      this.#native.callFailed(call.id, message(error));
    } finally {
      step.inFlight -= 1;
    }
  }
}

interface Served extends Step {
  readonly serving: Serving;
  calls: number;
  inFlight: number;
}

/** A step that has a driver. */
interface DriverStep {
  readonly id: string;
  readonly driver: string;
  readonly about: Step;
  open(driver: Driver<unknown>, native: NativeJob): Promise<Serving> | undefined;
  failed(message: string): MillraceError;
}

function stepsOf(job: Job): DriverStep[] {
  return job.steps.flatMap(({ id, name, fields, step }): DriverStep[] => {
    if (step.kind === "source" && step.config.kind === "driver") {
      const { driver, options } = step.config;
      const about = { job: job.name, name, fields: step.declared };
      return [
        {
          id,
          driver,
          about,
          open: (driver, native) => driver.source && SourceCalls.open(driver, options, about, native),
          failed: (message) => new SourceError(message, name),
        },
      ];
    }
    if (step.kind === "sink" && step.config.kind === "driver") {
      const { driver, options } = step.config;
      const about = { job: job.name, name, fields };
      return [
        {
          id,
          driver,
          about,
          open: (driver, native) => driver.sink && SinkCalls.open(driver, options, about, native),
          failed: (message) => new SinkError(message, name),
        },
      ];
    }
    if (step.kind === "lookup") {
      const { driver, options } = step.lookup;
      const keys = step.on.map(({ name, value }) => ({ name, type: value.type, nullable: true }));
      const about = { job: job.name, name, fields: step.table, keys };
      return [
        {
          id,
          driver,
          about,
          open: (driver, native) => driver.lookup && LookupCalls.open(driver, options, about, keys, native),
          failed: (message) => new SourceError(message, name),
        },
      ];
    }
    return [];
  });
}

async function connect(step: DriverStep, native: NativeJob): Promise<Serving> {
  // Loaded where it is needed only.
  const { driver } = await import("@millrace/connectors/driver");
  const found = await driver(step.driver);
  const opening = found && step.open(found, native);
  if (opening === undefined) throw new Error(`@millrace/connectors has nothing for it: update the package`);
  return await opening;
}

export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
