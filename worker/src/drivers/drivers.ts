import type { CallFigures, Step } from "@millrace/connectors/driver";
import { type Job, SinkError, SourceError } from "millrace";
import type { DriverCall, NativeJob } from "../native.js";

/** Figures of the driver of one step since the start. */
export interface DriverFigures extends CallFigures {
  readonly step: string;
  /** Those that were written, read or found. */
  readonly rows: number;
  /** Of rows as columns, and not on the wire: what a sink was handed, once for each call, or was read or found. */
  readonly bytes: number;
  readonly calls: number;
  readonly inFlight: number;
  /** Of a source that ends: the parts that have not been read to their ends. */
  readonly splitsLeft?: number;
  /**
   * Of a source of changes: how long ago the last that was read was made, by the clocks of the other side and of this process; 0
   * where there were no more.
   */
  readonly lagMs?: number;
}

/** What serves the calls of one step. */
export interface Serving {
  serve(call: DriverCall): Promise<void>;
  figures(): Omit<DriverFigures, "step" | "calls" | "inFlight">;
  close(): Promise<void>;
}

/** A step that has a driver. */
export interface DriverStep {
  readonly id: string;
  readonly role: "source" | "sink" | "lookup";
  readonly driver: string;
  readonly options: unknown;
  readonly about: Step;
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
    const steps = stepsOf(job);
    if (steps.length === 0) return undefined;
    // Loaded where it is needed only.
    const { connect } = await import("./connect.js");
    const connected = new Map<string, Served>();
    try {
      for (const step of steps) {
        const serving = await connect(step, native).catch((error) => {
          const Failed = step.role === "sink" ? SinkError : SourceError;
          throw new Failed(message(error), step.about.name);
        });
        connected.set(step.id, { serving, calls: 0, inFlight: 0 });
      }
    } catch (error) {
      await Promise.allSettled([...connected.values()].map(({ serving }) => serving.close()));
      throw error;
    }
    return new Drivers(native, connected);
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

interface Served {
  readonly serving: Serving;
  calls: number;
  inFlight: number;
}

function stepsOf(job: Job): DriverStep[] {
  return job.steps.flatMap(({ id, name, fields, step }): DriverStep[] => {
    const about = { job: job.name, name, fields };
    if (step.kind === "source" && step.config.kind === "driver") {
      const { driver, options } = step.config;
      return [{ id, role: step.kind, driver, options, about: { ...about, fields: step.declared } }];
    }
    if (step.kind === "sink" && step.config.kind === "driver") {
      const { driver, options } = step.config;
      return [{ id, role: step.kind, driver, options, about }];
    }
    if (step.kind === "lookup") {
      const { driver, options } = step.lookup;
      const keys = step.on.map(({ name, value }) => ({ name, type: value.type, nullable: true }));
      return [{ id, role: step.kind, driver, options, about: { ...about, fields: step.table, keys } }];
    }
    return [];
  });
}

export function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
