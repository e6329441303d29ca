import { Attempts, type Driver, type DriverSink, type Step, systemClock } from "@millrace/connectors/driver";
import { rowReader } from "../functions/row-code.js";
import type { DriverCall, NativeJob } from "../native.js";
import type { ServedFigures, Serving } from "./drivers.js";

/** Writes what a sink is given. */
export class SinkCalls implements Serving {
  readonly #attempts: Attempts;
  readonly #reader;
  #rows = 0;

  private constructor(
    driver: Driver<unknown>,
    step: Step,
    private readonly sink: DriverSink,
    private readonly native: NativeJob,
  ) {
    this.#attempts = new Attempts(systemClock, (error) => driver.mayPass?.(error) ?? false);
    this.#reader = rowReader(step.fields);
  }

  static async open(driver: Driver<unknown>, options: unknown, step: Step, native: NativeJob): Promise<SinkCalls> {
    const sink = await driver.sink?.(options, step);
    if (sink === undefined) throw new Error("it is no sink");
    return new SinkCalls(driver, step, sink, native);
  }

  async serve({ id, rows: batch }: DriverCall): Promise<void> {
    if (batch === undefined) throw new Error("a call came without its rows");
    this.#reader.take(batch.columns);
    const rows = Array.from({ length: batch.length }, (_, row) => this.#reader.get(row));
    const refused = await this.#attempts.call(() => this.sink.write(rows));
    this.#rows += rows.length - refused.length;
    this.native.written(
      id,
      refused.map(({ row }) => row),
      refused.map(({ reason }) => reason),
    );
  }

  figures(): ServedFigures {
    return { rows: this.#rows, ...this.#attempts.figures };
  }

  async close(): Promise<void> {
    this.#attempts.close();
    await this.sink.close();
  }
}
