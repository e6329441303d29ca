import { loadJob } from "../../job-file.js";
import { asLoadError, exitCode, report } from "../exit-code.js";
import { number } from "../figures.js";
import { time } from "../savepoint/time.js";
import { type DeadLetter, shown } from "./dead-letter.js";
import { placesOf } from "./places.js";
import { eachDeadLetter } from "./read.js";

export interface ShowOptions {
  readonly step?: string;
  readonly reason?: string;
  readonly limit: number;
}

/** `millrace dlq show`: the exit code. */
export async function showDeadLetters(file: string, { step, reason = "", limit }: ShowOptions): Promise<number> {
  try {
    const job = await loadJob(file);
    const newest = new Newest(limit);
    for (const place of placesOf(job, step)) {
      await eachDeadLetter(place, (letter) => {
        if (letter.reason.includes(reason)) newest.add(letter);
      });
    }
    const letters = newest.letters();
    const lines = letters.length === 0 ? ["no dead letters"] : letters.flatMap(told).slice(0, -1);
    process.stdout.write(`${lines.join("\n")}\n`);
    return 0;
  } catch (error) {
    const known = asLoadError(error);
    process.stderr.write(`${report(known)}\n`);
    return exitCode(known);
  }
}

/** Keeps the newest of many dead letters. */
export class Newest {
  #letters: DeadLetter[] = [];

  constructor(private readonly limit: number) {}

  add(letter: DeadLetter): void {
    this.#letters.push(letter);
    if (this.#letters.length >= 2 * this.limit) this.#letters = this.letters();
  }

  /** The newest first; of those of one time, that with the greatest offset. */
  letters(): DeadLetter[] {
    return this.#letters.toSorted((a, b) => b.atMs - a.atMs || b.offset - a.offset).slice(0, this.limit);
  }
}

function told({
  step,
  resource,
  partition,
  offset,
  timestamp,
  column,
  reason,
  key,
  value,
  atMs,
}: DeadLetter): string[] {
  const facts: [string, string][] = [
    ["from", `${resource}, partition ${partition}, offset ${number(offset)}`],
    ["time", timestamp === undefined ? "none" : time(timestamp)],
    ["column", column ?? "none"],
    ["reason", reason],
    ["key", shown(key)],
    ["value", shown(value)],
  ];
  return [`${time(atMs)}  ${step}`, ...facts.map(([name, fact]) => `  ${name.padEnd(6)}  ${fact}`), ""];
}
