import { setImmediate } from "node:timers/promises";
import type { MessagePort } from "node:worker_threads";
import type { Field } from "millrace";
import { type PlainError, toPlain } from "./errors.js";
import type { Called } from "./functions/call.js";
import { rowReader } from "./functions/row-code.js";
import { Scratch } from "./functions/scratch.js";
import { NativeSlot } from "./native.js";

/** What the main thread asks of a slot's thread. */
export interface SlotTask {
  /** The job file, where the job has functions. */
  readonly file: string | undefined;
  readonly jobId: number;
  readonly index: number;
  /** Of table sinks: what their rows are made of, by title. */
  readonly tables: ReadonlyMap<string, readonly Field[]>;
  /** Where rows of table sinks go. */
  readonly port: MessagePort;
}

/** Rows that are to be shown. */
export interface ShownRows {
  readonly title: string;
  readonly rows: readonly Record<string, unknown>[];
}

/** How long a slot works before its thread can serve anything else. */
const BUDGET_MS = 100;

/** Runs one slot to its end; gives the error that ended it. */
export default async function runSlot({ file, jobId, index, tables, port }: SlotTask): Promise<PlainError | undefined> {
  // A thrown value loses its class on the way through the core: the original is kept here.
  let thrown: unknown;
  try {
    const functions = file === undefined ? [] : await functionsOf(file);
    const readers = new Map([...tables].map(([title, fields]) => [title, rowReader(fields)]));
    const scratch = new Scratch();
    const slot = new NativeSlot(
      jobId,
      index,
      (number, batch) => {
        try {
          return (functions[number] as (typeof functions)[number])(scratch.view(batch));
        } catch (error) {
          thrown = error;
          throw error;
        }
      },
      (title, batch) => {
        const table = readers.get(title) ?? rowReader([]);
        table.take(scratch.view(batch).columns);
        const rows = Array.from({ length: batch.length }, (_, row) => table.get(row));
        port.postMessage({ title, rows } satisfies ShownRows);
      },
      scratch.memory,
    );
    while (!slot.step(BUDGET_MS)) await setImmediate();
    return undefined;
  } catch (error) {
    return toPlain(thrown ?? error);
  } finally {
    port.close();
  }
}

/** Loaded where it is needed only: importing a job takes a thread a quarter of a second. */
async function functionsOf(file: string): Promise<readonly Called[]> {
  const [{ loadJob }, { caller }] = await Promise.all([import("./job-file.js"), import("./functions/call.js")]);
  return (await loadJob(file)).functions.map(caller);
}
