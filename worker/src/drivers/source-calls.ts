import type { Attempts, DriverSource, Row, SplitPage, SplitReader, Step } from "@millrace/connectors/driver";
import type { Field } from "millrace";
import { type RowWriter, rowWriter } from "../functions/row-code.js";
import type { DriverCall, DriverPage, NativeJob } from "../native.js";
import { batchBytes } from "./batch-bytes.js";
import { message } from "./drivers.js";
import { asJson } from "./json.js";

/** Reads splits, each of them a page ahead of what the core has asked for. */
export class SourceCalls {
  #rows = 0;
  #bytes = 0;
  /** Those that there are, where each of them ends. */
  #bounded: number | undefined;
  #ended = 0;
  #lastChangeMs: number | undefined;
  #isCaughtUp = false;
  readonly #fields: readonly Field[];
  readonly #splits = new Map<string, OpenSplit>();
  #writers: { readonly page: RowWriter; readonly single: RowWriter } | undefined;

  constructor(
    private readonly source: DriverSource,
    { fields }: Step,
    private readonly attempts: Attempts,
    private readonly native: NativeJob,
  ) {
    this.#fields = fields;
  }

  figures() {
    return {
      rows: this.#rows,
      bytes: this.#bytes,
      ...(this.#bounded === undefined ? {} : { splitsLeft: this.#bounded - this.#ended }),
      ...(this.#lastChangeMs === undefined ? {} : { lagMs: this.#lagMs(this.#lastChangeMs) }),
    };
  }

  async serve(call: DriverCall): Promise<void> {
    if (call.want === "splits") {
      const { names, bounded } = await this.attempts.call(() => this.source.splits());
      if (bounded) this.#bounded = names.length;
      this.native.splits(call.id, [...names], bounded);
      return;
    }
    const { id, split: name = "", after, columns } = call;
    let split = this.#splits.get(name);
    if (split === undefined) {
      split = new OpenSplit(this.source, name, after, columns, this.attempts);
      this.#splits.set(name, split);
    }
    const { rows, token, caughtUp = false, ended = false, changedMs } = await split.next();
    const written = this.#written(rows, columns);
    this.#rows += rows.length;
    this.#bytes += batchBytes(written.rows);
    if (ended) this.#ended += 1;
    this.#lastChangeMs = changedMs ?? this.#lastChangeMs;
    this.#isCaughtUp = caughtUp;
    this.native.read(id, { ...written, token, caughtUp, ended });
  }

  #lagMs(changedMs: number): number {
    return this.#isCaughtUp ? 0 : Math.max(0, Date.now() - changedMs);
  }

  /** The rows as columns, without those that do not fit. */
  #written(rows: readonly Row[], columns: readonly string[]): Pick<DriverPage, "rows" | "errors"> {
    this.#writers ??= {
      page: rowWriter(this.#fields.filter(({ name }) => columns.includes(name))),
      single: rowWriter(this.#fields.filter(({ name }) => columns.includes(name))),
    };
    const { page, single } = this.#writers;
    try {
      page.begin();
      rows.forEach((row, index) => {
        page.set(index, row);
      });
      return { rows: { length: rows.length, columns: page.finish(rows.length) }, errors: [] };
    } catch {
      // A row that does not fit is in some of the columns by now: they are written again without such rows.
    }
    const errors: DriverPage["errors"] = [];
    page.begin();
    let length = 0;
    for (const row of rows) {
      try {
        single.begin();
        single.set(0, row);
      } catch (error) {
        const value = new TextEncoder().encode(asJson(row));
        errors.push({ at: length, reason: message(error).replace(/^row 0: /, ""), value });
        continue;
      }
      page.set(length, row);
      length += 1;
    }
    return { rows: { length, columns: page.finish(length) }, errors };
  }
}

/** A split that is being read; after a failure that may pass it is taken up again behind its last page. */
class OpenSplit {
  #reader: SplitReader | undefined;
  #ahead: Promise<SplitPage> | undefined;

  constructor(
    private readonly source: DriverSource,
    private readonly name: string,
    private after: string | undefined,
    private readonly columns: readonly string[],
    private readonly attempts: Attempts,
  ) {}

  async next(): Promise<SplitPage> {
    const page = await (this.#ahead ?? this.#read());
    this.#ahead = page.ended === true ? undefined : this.#read();
    // Whoever asks for it is told of what goes wrong.
    this.#ahead?.catch(() => {});
    return page;
  }

  async #read(): Promise<SplitPage> {
    const page = await this.attempts.call(async () => {
      try {
        this.#reader ??= await this.source.open(this.name, this.after, this.columns);
        return await this.#reader.next();
      } catch (error) {
        this.#reader = undefined;
        throw error;
      }
    });
    this.after = page.token;
    return page;
  }
}
