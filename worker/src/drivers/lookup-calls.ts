import type { Attempts, DriverLookup, Step } from "@millrace/connectors/driver";
import type { Field } from "millrace";
import { type RowReader, type RowWriter, rowReader, rowWriter } from "../functions/row-code.js";
import type { DriverCall, NativeJob } from "../native.js";
import { batchBytes } from "./batch-bytes.js";
import { message } from "./drivers.js";
import { asJson } from "./json.js";

/** Finds what belongs to keys. */
export class LookupCalls {
  #rows = 0;
  #bytes = 0;
  readonly #keys: RowReader;
  /** All columns that the step may ask for; those that it does are always the same. */
  readonly #fields: readonly Field[];
  #writer: RowWriter | undefined;

  constructor(
    private readonly lookup: DriverLookup,
    { fields, keys = [] }: Step,
    private readonly attempts: Attempts,
    private readonly native: NativeJob,
  ) {
    this.#keys = rowReader(keys);
    this.#fields = fields;
  }

  figures() {
    return { rows: this.#rows, bytes: this.#bytes };
  }

  async serve({ id, rows: batch, columns }: DriverCall): Promise<void> {
    if (batch === undefined) throw new Error("a call came without its keys");
    this.#keys.take(batch.columns);
    const keys = Array.from({ length: batch.length }, (_, row) => this.#keys.get(row));
    const found = await this.attempts.call(() => this.lookup.find(keys, columns));
    this.#writer ??= rowWriter(this.#fields.filter(({ name }) => columns.includes(name)));
    this.#writer.begin();
    const of: number[] = [];
    found.forEach((row, key) => {
      if (row === undefined) return;
      try {
        this.#writer?.set(of.length, row);
      } catch (error) {
        throw new Error(`what was found for ${asJson(keys[key])} does not fit the schema: ${message(error)}`);
      }
      of.push(key);
    });
    const rows = { length: of.length, columns: this.#writer.finish(of.length) };
    this.#rows += rows.length;
    this.#bytes += batchBytes(rows);
    this.native.found(id, rows, Uint32Array.from(of));
  }
}
