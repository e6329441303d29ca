import { setImmediate } from "node:timers/promises";
import type { MessagePort } from "node:worker_threads";
import type { Field, Job } from "millrace";
import { type PlainError, toPlain } from "./errors.js";
import { caller } from "./functions/call.js";
import { rowReader } from "./functions/read.js";
import { loadJob } from "./job-file.js";
import { NativeSlot } from "./native.js";

/** What the main thread asks of a slot's thread. */
export interface SlotTask {
  readonly file: string;
  readonly jobId: number;
  readonly index: number;
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
export default async function runSlot({ file, jobId, index, port }: SlotTask): Promise<PlainError | undefined> {
  // A thrown value loses its class on the way through the core: the original is kept here.
  let thrown: unknown;
  try {
    const job = await loadJob(file);
    const functions = job.functions.map(caller);
    const tables = tableFields(job);
    const slot = new NativeSlot(
      jobId,
      index,
      (number, batch) => {
        try {
          return (functions[number] as (typeof functions)[number])(batch);
        } catch (error) {
          thrown = error;
          throw error;
        }
      },
      (title, batch) => {
        const read = rowReader(tables.get(title) ?? [], batch.columns);
        const rows = Array.from({ length: batch.length }, (_, row) => read(row));
        port.postMessage({ title, rows } satisfies ShownRows);
      },
    );
    while (!slot.step(BUDGET_MS)) await setImmediate();
    return undefined;
  } catch (error) {
    return toPlain(thrown ?? error);
  } finally {
    port.close();
  }
}

function tableFields(job: Job): Map<string, readonly Field[]> {
  const tables = job.steps.flatMap(({ step, fields }) =>
    step.kind === "sink" && step.config.kind === "table" ? [[step.config.title, fields] as const] : [],
  );
  return new Map(tables);
}
