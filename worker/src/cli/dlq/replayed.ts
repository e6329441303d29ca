import { PlanError } from "millrace";
import { type DeadLetter, fromHeaders } from "./dead-letter.js";
import { type Place, unreadable } from "./places.js";
import { Progress } from "./progress.js";
import { eachFile, isOf, loaded } from "./read.js";
import { groupOf, inTopic } from "./topic.js";

/** So many go out between two notes of how far a replay has come. */
const BATCH = 1000;

export interface Pass {
  /** From the first record on. */
  readonly again: boolean;
  /** Whether it is noted how far it has come. */
  readonly noted: boolean;
}

/** Where it is noted how far a replay has come, in words. */
export function noteOf(place: Place): string {
  return place.sink.kind === "files"
    ? new Progress(place.sink.directory, place).path
    : `the consumer group ${groupOf(place)}`;
}

/**
 * Gives the dead letters of a place that were not replayed yet, in batches. A batch counts as replayed when `onBatch` has
 * returned.
 */
export function eachToReplay(
  place: Place,
  pass: Pass,
  onBatch: (letters: readonly DeadLetter[]) => Promise<void> | void,
): Promise<void> {
  const why = unreadable(place);
  if (why !== undefined) throw new PlanError(`its dead letters are not replayed: ${why}`, place.step);
  return place.sink.kind === "files" ? inFiles(place, place.sink, pass, onBatch) : inRecords(place, pass, onBatch);
}

type OnBatch = Parameters<typeof eachToReplay>[2];

function inRecords(place: Place, { again, noted }: Pass, onBatch: OnBatch): Promise<void> {
  return inTopic(place, async (reader) => {
    const known = await reader.committed();
    // To commit them again keeps the broker from forgetting them.
    if (known.size > 0 && noted) await reader.commit(known);
    await reader.each(again ? new Map() : known, async (records) => {
      const letters = records.map(fromHeaders).filter((letter) => letter !== undefined);
      await onBatch(letters.filter((letter) => isOf(place, letter)));
      if (!noted) return;
      const positions = new Map<number, number>();
      for (const { partition, offset } of records) {
        positions.set(partition, Math.max(offset + 1, known.get(partition) ?? 0, positions.get(partition) ?? 0));
      }
      await reader.commit(positions);
    });
  });
}

type Files = Extract<Place["sink"], { kind: "files" }>;

async function inFiles(place: Place, sink: Files, { again, noted }: Pass, onBatch: OnBatch): Promise<void> {
  const progress = await loaded(place, sink.directory);
  await eachFile(place, sink, async ({ name, mtimeMs, letters }) => {
    const replayed = again ? 0 : progress.linesOf(name, mtimeMs);
    let batch: DeadLetter[] = [];
    let last = replayed;
    const send = async () => {
      await onBatch(batch);
      batch = [];
      if (noted && last > replayed) await progress.save(name, mtimeMs, last);
    };
    for await (const { line, letter } of letters) {
      if (line <= replayed) continue;
      if (isOf(place, letter)) batch.push(letter);
      last = line;
      if (batch.length >= BATCH) await send();
    }
    await send();
  });
}
