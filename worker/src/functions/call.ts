import { FunctionError, type UserFunction } from "millrace";
import type { Batch, Mapped } from "../native.js";
import { batchMapper } from "./batches.js";
import { rowMapper, rowReader, rowWriter } from "./row-code.js";

/** A user function as the core calls it: a batch in, a batch out, which holds until the next call. */
export type Called = (batch: Batch) => Mapped;

export function caller(userFunction: UserFunction): Called {
  const { kind, step } = userFunction;
  const run = { map, flatMap, mapBatch: batchMapper }[kind](userFunction);
  return (batch) => {
    try {
      return run(batch);
    } catch (error) {
      if (error instanceof FunctionError) throw new FunctionError(error.message, step);
      const message = error instanceof Error ? error.message : String(error);
      throw new FunctionError(`the function threw: ${message}`, step, { cause: error });
    }
  };
}

function map({ fn, input, output }: UserFunction): Called {
  // The SDK has typed the function by its schemas.
  const run = rowMapper(fn as (row: unknown) => unknown, input.fields, output.fields);
  return ({ length, columns }) => ({ rows: { length, columns: run(columns, length) } });
}

function flatMap({ fn, input, output }: UserFunction): Called {
  const make = fn as (row: unknown) => unknown;
  const [rows, made] = [rowReader(input.fields), rowWriter(output.fields)];
  return (batch) => {
    rows.take(batch.columns);
    made.begin();
    const origin: number[] = [];
    for (let row = 0; row < batch.length; row++) {
      const some = make(rows.get(row));
      if (typeof some !== "object" || some === null || !(Symbol.iterator in some))
        throw new FunctionError(`row ${row}: flatMap returns an array, or anything else that can be iterated`);
      for (const one of some as Iterable<unknown>) {
        made.set(origin.length, one);
        origin.push(row);
      }
    }
    const columns = made.finish(origin.length);
    return { rows: { length: origin.length, columns }, origin: Uint32Array.from(origin) };
  };
}
