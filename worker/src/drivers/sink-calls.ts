import type { Attempts, DriverSink, Step } from "@millrace/connectors/driver";
import { type RowReader, rowReader } from "../functions/row-code.js";
import type { DriverCall, NativeJob } from "../native.js";
import { batchBytes } from "./batch-bytes.js";

/** Writes what a sink is given. */
export class SinkCalls {
  #rows = 0;
  #bytes = 0;
  readonly #reader: RowReader;

  constructor(
    private readonly sink: DriverSink,
    { fields }: Step,
    private readonly attempts: Attempts,
    private readonly native: NativeJob,
  ) {
    this.#reader = rowReader(fields);
  }

  figures() {
    return { rows: this.#rows, bytes: this.#bytes };
  }

  async serve({ id, rows: batch }: DriverCall): Promise<void> {
    if (batch === undefined) throw new Error("a call came without its rows");
    this.#bytes += batchBytes(batch);
    this.#reader.take(batch.columns);
    const rows = Array.from({ length: batch.length }, (_, row) => this.#reader.get(row));
    const refused = await this.attempts.call(() => this.sink.write(rows));
    this.#rows += rows.length - refused.length;
    this.native.written(
      id,
      refused.map(({ row }) => row),
      refused.map(({ reason }) => reason),
    );
  }
}
