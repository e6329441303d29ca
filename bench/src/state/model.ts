// What the job keyed-sums.ts is given, and what it has to make of it.
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Of event time. */
export const EVENTS_PER_SECOND = 1000;

/** How far apart the keys of two events that follow each other are. As a prime it leads through all keys. */
export const STRIDE = 7_368_787;

/** What a key takes in memory: with 12,500,000 of them a job has 1.2 GB more than with a few. */
const BYTES_A_KEY = 84;

/** So many keys make a state of this size. */
export function keysOf(stateBytes: number): number {
  return Math.round(stateBytes / BYTES_A_KEY);
}

export interface Sum {
  readonly key: number;
  readonly n: number;
  readonly total: number;
  readonly first: number;
  readonly last: number;
}

/** Tells the results of `rounds`, which all begin with the first key, from wrong ones. */
export class Model {
  /** Which event of a round is the first of a key. */
  readonly #places: Int32Array;
  readonly #seen: Uint8Array;
  #wrong = 0;
  #rows = 0;

  constructor(
    private readonly keys: number,
    private readonly rounds: readonly number[],
  ) {
    this.#places = new Int32Array(keys);
    this.#seen = new Uint8Array(keys);
    for (let place = 0; place < keys; place++) this.#places[(place * STRIDE) % keys] = place;
  }

  add(row: Sum): void {
    this.#rows += 1;
    const isNew = this.#seen[row.key] === 0;
    this.#seen[row.key] = 1;
    if (!isNew || !this.#isRight(row)) this.#wrong += 1;
  }

  #isRight({ key, n, total, first, last }: Sum): boolean {
    const place = this.#places[key] ?? this.keys;
    let [count, sum, least, greatest] = [0, 0, Number.POSITIVE_INFINITY, 0];
    for (const events of this.rounds) {
      for (let event = place; event < events; event += this.keys) {
        const at = Math.floor((event * 1000) / EVENTS_PER_SECOND);
        count += 1;
        sum += at;
        least = Math.min(least, at);
        greatest = Math.max(greatest, at);
      }
    }
    return n === count && total === sum && first === least && last === greatest;
  }

  /** Fails unless each key was there once, with its sums. */
  check(): void {
    const keys = Math.min(this.keys, Math.max(...this.rounds));
    if (this.#wrong === 0 && this.#rows === keys) return;
    throw new Error(`${this.#wrong} of ${this.#rows} results are wrong or there twice; there should be ${keys}`);
  }
}

/** Compares all that lies in the folder of results. */
export async function check(folder: string, keys: number, rounds: readonly number[]): Promise<void> {
  const model = new Model(keys, rounds);
  for (const file of await readdir(folder)) {
    const lines = createInterface({ input: createReadStream(join(folder, file)) });
    for await (const line of lines) model.add(JSON.parse(line));
  }
  model.check();
}
