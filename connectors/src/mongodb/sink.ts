import type { AnyBulkWriteOperation, BulkWriteOptions, Collection, Document } from "mongodb";
import type { DriverSink, Refusal, Row, Step } from "../driver/driver.js";
import { type Change, Changes, folded, modelOf } from "./changes.js";
import type { Access } from "./connect.js";
import { NotStorable } from "./documents.js";
import { isOfRow, isRace, type WriteError } from "./errors.js";
import type { SinkSettings } from "./settings.js";

/** What a document has room for, with what is around it in a message. */
const LARGEST_BYTES = 16 * 1024 * 1024 - 1024;
const TOO_LARGE = 10334;

/** So often a document that somebody else inserts at this moment is written again. */
const RACES = 3;

/** Writes rows as documents, a bulk write a batch. */
export class MongoSink implements DriverSink {
  readonly #changes: Changes;
  readonly #options: BulkWriteOptions;

  constructor(
    private readonly connection: Access,
    private readonly settings: SinkSettings,
    step: Step,
  ) {
    this.#changes = new Changes(settings, step.fields, connection.mongo);
    const { w, journal, timeout } = settings.writeConcern;
    this.#options = {
      ordered: settings.ordered,
      writeConcern: {
        w,
        ...(journal === undefined ? {} : { j: journal }),
        ...(timeout === undefined ? {} : { wtimeoutMS: timeout }),
      },
    };
  }

  async write(rows: readonly Row[]): Promise<readonly Refusal[]> {
    const refused: Refusal[] = [];
    let waiting = this.#documents(rows, refused);
    for (let races = 0; waiting.length > 0; ) {
      const writes = waiting.map(folded);
      const { errors, unwrittenFrom } = await this.#bulk(writes.map(modelOf));
      const again: (readonly Change[])[] = [];
      let isRaced = false;
      for (const [index, error] of errors) {
        const [changes, { row }] = [waiting[index] ?? [], writes[index] as Change];
        if (isRace(error) && races < RACES) {
          isRaced = true;
          again.push(changes);
          continue;
        }
        refused.push({ row, reason: `${error.message} (${error.code})` });
        // What came before it, or behind, is still to be written.
        const others = changes.filter((change) => change.row !== row);
        if (others.length > 0) again.push(others);
      }
      again.push(...waiting.filter((_, index) => index >= unwrittenFrom && !errors.has(index)));
      races = isRaced ? races + 1 : 0;
      waiting = again;
    }
    return refused.sort((a, b) => a.row - b.row);
  }

  close(): Promise<void> {
    return this.connection.close();
  }

  /** The changes of each document; in order, each by itself. */
  #documents(rows: readonly Row[], refused: Refusal[]): (readonly Change[])[] {
    const documents: Change[][] = [];
    const known = new Map<string, Change[]>();
    for (const [index, row] of rows.entries()) {
      let change: Change;
      try {
        change = this.#changes.of(row, index);
      } catch (error) {
        if (!(error instanceof NotStorable)) throw error;
        refused.push({ row: index, reason: error.message });
        continue;
      }
      const isAlone = this.settings.ordered || change.kind === "add";
      const same = isAlone ? undefined : known.get(change.key);
      if (same !== undefined) {
        same.push(change);
        continue;
      }
      const changes = [change];
      documents.push(changes);
      if (!isAlone) known.set(change.key, changes);
    }
    return documents;
  }

  #bulk(writes: AnyBulkWriteOperation<Document>[]): Promise<Outcome> {
    return this.connection.use("writing", async (collection: Collection<Document>) => {
      try {
        await collection.bulkWrite(writes, this.#options);
        return { errors: new Map(), unwrittenFrom: writes.length };
      } catch (error) {
        return this.#outcomeOf(error, writes);
      }
    });
  }

  /** @throws what it is given, unless single rows are at fault */
  #outcomeOf(error: unknown, writes: readonly AnyBulkWriteOperation<Document>[]): Outcome {
    const { BSON, MongoBulkWriteError } = this.connection.mongo;
    if (error instanceof MongoBulkWriteError) {
      const errors = [error.writeErrors].flat();
      // Not all that has been written is kept by as many servers as are asked for.
      if (errors.length === 0 || error.result.getWriteConcernError() !== undefined) throw error;
      const fatal = errors.find((error) => !isOfRow(error));
      if (fatal !== undefined) throw Object.assign(new Error(fatal.errmsg), { code: fatal.code });
      const known = errors.map(({ index, code, errmsg = "" }) => [index, { code, message: errmsg }] as const);
      // In order, nothing behind an error has been written.
      const unwrittenFrom = this.settings.ordered ? (known[0]?.[0] ?? 0) + 1 : writes.length;
      return { errors: new Map(known), unwrittenFrom };
    }
    // The driver turns a batch down whole for the sake of a document that is too large.
    const sizes = writes.map((write) => BSON.calculateObjectSize(write));
    const isLarge = (bytes: number) => bytes > LARGEST_BYTES;
    if (!sizes.some(isLarge) || (error as Error).name === "MongoNetworkError") throw error;
    const large = sizes.flatMap((bytes, index) => (isLarge(bytes) ? [[index, tooLarge(bytes)] as const] : []));
    return { errors: new Map(large), unwrittenFrom: 0 };
  }
}

/** What has become of a bulk write. */
interface Outcome {
  /** By the index of the write. */
  readonly errors: ReadonlyMap<number, WriteError>;
  /** From here on nothing has been written. */
  readonly unwrittenFrom: number;
}

function tooLarge(bytes: number): WriteError {
  return { code: TOO_LARGE, message: `the document has ${bytes} bytes, and MongoDB takes 16 MB` };
}
