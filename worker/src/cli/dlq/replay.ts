import { PlanError } from "millrace";
import { loadJob } from "../../job-file.js";
import { asLoadError, exitCode, report } from "../exit-code.js";
import { number } from "../figures.js";
import type { DeadLetter } from "./dead-letter.js";
import { type Destination, LinesFile, toTopic } from "./destination.js";
import { type Place, placeName, placesOf, unreadable } from "./places.js";
import { eachToReplay, noteOf } from "./replayed.js";

export interface ReplayOptions {
  readonly step?: string;
  readonly reason?: string;
  readonly to?: string;
  readonly toFile?: string;
  readonly dryRun?: boolean;
  readonly again?: boolean;
}

const PROGRESS_MS = 2000;

const say = (text: string) => process.stdout.write(`${text}\n`);

/** `millrace dlq replay`: the exit code. */
export async function replayDeadLetters(file: string, options: ReplayOptions): Promise<number> {
  try {
    const places = placesOf(await loadJob(file), options.step);
    // Nothing is sent of a job of which not all can be.
    for (const place of places) checkReplay(place, options);
    const lines = options.toFile === undefined ? undefined : new LinesFile(options.toFile);
    try {
      for (const place of places) await replay(place, options, lines);
    } finally {
      await lines?.close();
    }
    return 0;
  } catch (error) {
    const known = asLoadError(error);
    process.stderr.write(`${report(known)}\n`);
    return exitCode(known);
  }
}

/** @throws PlanError when the dead letters of a place cannot be replayed */
export function checkReplay(place: Place, { to, toFile }: Pick<ReplayOptions, "to" | "toFile">): void {
  const { id, sink, source, step } = place;
  const why = unreadable(place);
  if (why !== undefined) throw new PlanError(`its dead letters are not replayed: ${why}`, step);
  if (toFile !== undefined) return;
  if (sink.kind === "kafka" && to === sink.topic) {
    throw new PlanError(`its dead letters are in topic "${to}" already: name another with --to`, step);
  }
  if (source !== undefined) return;
  if (sink.kind !== "kafka") {
    const instead = `write them to a new file of records with --step ${id} --to-file PATH`;
    throw new PlanError(`its dead letters neither came from a topic nor are in one: ${instead}`, step);
  }
  if (to === undefined) {
    throw new PlanError(`its dead letters came from no topic: name one with --step ${id} --to TOPIC`, step);
  }
}

/** What has become of the dead letters that came along. */
interface Counts {
  readonly sent: Map<string, number>;
  passedOver: number;
  /** They cannot be lines of a file. */
  leftOut: number;
}

async function replay(place: Place, options: ReplayOptions, file: LinesFile | undefined): Promise<void> {
  const { again = false, dryRun = false, to } = options;
  const counts: Counts = { sent: new Map(), passedOver: 0, leftOut: 0 };
  let toldMs = performance.now();
  const all = (there?: Destination) =>
    eachToReplay(place, { again, noted: there !== undefined }, async (letters) => {
      await there?.send(chosen(letters, options, counts));
      if (performance.now() - toldMs < PROGRESS_MS) return;
      toldMs = performance.now();
      say(`${place.id}: ${number(sum(counts))} sent so far`);
    });
  if (dryRun) await eachToReplay(place, { again, noted: false }, (letters) => void chosen(letters, options, counts));
  else if (file !== undefined) await all(file);
  else await toTopic(place, to, all);
  for (const line of outcome(place, options, counts)) say(line);
}

/** Those that are wanted; they are counted. */
function chosen(
  letters: readonly DeadLetter[],
  { reason = "", to, toFile }: ReplayOptions,
  counts: Counts,
): DeadLetter[] {
  const wanted = letters.filter((letter) => letter.reason.includes(reason));
  const sent = toFile === undefined ? wanted : wanted.filter(LinesFile.takes);
  for (const { resource } of sent) {
    const where = toFile ?? to ?? resource;
    counts.sent.set(where, (counts.sent.get(where) ?? 0) + 1);
  }
  counts.passedOver += letters.length - wanted.length;
  counts.leftOut += wanted.length - sent.length;
  return sent;
}

function sum({ sent }: Counts): number {
  return [...sent.values()].reduce((sum, records) => sum + records, 0);
}

function outcome(place: Place, { dryRun = false, reason }: ReplayOptions, counts: Counts): string[] {
  const { passedOver, leftOut } = counts;
  const verb = dryRun ? "would be sent" : "sent";
  const sent = [...counts.sent].map(([where, records]) => `${place.id}: ${count(records)} ${verb} to ${where}`);
  const nothing = `${place.id}: nothing to send: all in ${placeName(place)} was replayed or passed over before (--again begins anew)`;
  const passed = `${place.id}: ${count(passedOver)} passed over, without "${reason}" in the reason: --again --reason TEXT sends such`;
  const left = `${place.id}: ${count(leftOut)} left out, without a value or with several lines in it: --again --to TOPIC sends such`;
  const lines = [
    ...(sent.length === 0 && passedOver + leftOut === 0 ? [nothing] : sent),
    ...(passedOver === 0 ? [] : [passed]),
    ...(leftOut === 0 ? [] : [left]),
  ];
  return dryRun ? lines : [...lines, `${place.id}: positions are kept in ${noteOf(place)}`];
}

function count(records: number): string {
  return `${number(records)} ${records === 1 ? "record" : "records"}`;
}
