import type { Job } from "millrace";
import { loadJob } from "../../job-file.js";
import { asLoadError, exitCode, report } from "../exit-code.js";
import { number } from "../figures.js";
import { time } from "../savepoint/time.js";
import { type TableColumn, table } from "../table.js";
import { type Place, placeName, placesOf, unreadable } from "./places.js";
import { eachDeadLetter } from "./read.js";
import { type Kind, Summary } from "./summary.js";

/** So many reasons are told of each step. */
const REASONS = 10;

/** `millrace dlq list`: the exit code. */
export async function listDeadLetters(file: string): Promise<number> {
  try {
    process.stdout.write(`${(await listed(await loadJob(file))).join("\n")}\n`);
    return 0;
  } catch (error) {
    const known = asLoadError(error);
    process.stderr.write(`${report(known)}\n`);
    return exitCode(known);
  }
}

interface Counted {
  readonly place: Place;
  /** `undefined` where they cannot be read. */
  readonly summary: Summary | undefined;
}

const figure = (value: number | undefined) => (value === undefined ? "" : number(value));
const moment = (ms: number | undefined) => (ms === undefined ? "" : time(ms));

const PLACES: TableColumn<Counted>[] = [
  { title: "step", of: ({ place }) => place.step },
  { title: "id", of: ({ place }) => place.id },
  { title: "dead letters in", of: ({ place }) => placeName(place) },
  { title: "records", of: ({ summary }) => figure(summary?.records), isNumber: true },
  {
    title: "to replay",
    of: ({ summary }) => figure(summary?.toReplay),
    isNumber: true,
  },
  { title: "first", of: ({ summary }) => moment(summary?.firstMs) },
  { title: "last", of: ({ summary }) => moment(summary?.lastMs) },
];

const REASON_COLUMNS: TableColumn<Kind & { readonly id: string }>[] = [
  { title: "id", of: ({ id }) => id },
  { title: "records", of: ({ records }) => number(records), isNumber: true },
  { title: "column", of: ({ column }) => column },
  { title: "reason", of: ({ reason }) => reason },
];

async function listed(job: Job): Promise<string[]> {
  const counted: Counted[] = [];
  const notes: string[] = [];
  for (const place of placesOf(job)) {
    const why = unreadable(place);
    const summary = why === undefined ? new Summary() : undefined;
    if (summary !== undefined) await eachDeadLetter(place, (letter, isToReplay) => summary.add(letter, isToReplay));
    else notes.push(`${place.id}: ${why}`);
    counted.push({ place, summary });
  }
  const reasons = counted.flatMap(({ place: { id }, summary }) =>
    (summary?.top(REASONS) ?? []).map((kind) => ({ ...kind, id })),
  );
  return [
    `job "${job.name}"`,
    "",
    ...table(PLACES, counted),
    ...(reasons.length === 0 ? [] : ["", ...table(REASON_COLUMNS, reasons)]),
    ...(notes.length === 0 ? [] : ["", ...notes]),
  ];
}
