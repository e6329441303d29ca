import type { Batch, Column, Given } from "../native.js";

// Half a dozen columns of 64 bits of the largest batches; what finds no room is lent by the core.
const BYTES = 1 << 20;

/** Memory of a slot that the core puts the small buffers of a batch into. */
export class Scratch {
  readonly memory = new Uint8Array(BYTES);

  /** The batch with views of memory alone, each at least as long as what it is of. */
  view({ length, columns }: Batch<Given>): Batch {
    return { length, columns: columns.map((column) => this.#column(column)) };
  }

  #column({ length, values, offsets, valid, children }: Column<Given>): Column {
    return {
      length,
      ...(values === undefined ? {} : { values: this.#bytes(values) }),
      ...(offsets === undefined ? {} : { offsets: this.#bytes(offsets) }),
      ...(valid === undefined ? {} : { valid: this.#bytes(valid) }),
      children: children.map((child) => this.#column(child)),
    };
  }

  #bytes(given: Given): Uint8Array {
    return typeof given === "number" ? new Uint8Array(this.memory.buffer, given) : given;
  }
}
