import type { OutgoingRecord, Positions, TopicWriter } from "@millrace/connectors";
import { PlanError, SinkError } from "millrace";
import { loadJob } from "../../job-file.js";
import { asLoadError, exitCode, report } from "../exit-code.js";
import { number } from "../figures.js";
import { type DeadLetter, fromHeaders } from "./dead-letter.js";
import { type Place, placeName, placesOf } from "./places.js";
import { isOf } from "./read.js";
import { groupOf, inTopic, toTopics } from "./topic.js";

export interface ReplayOptions {
  readonly step?: string;
  readonly reason?: string;
  readonly to?: string;
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
    for (const place of places) checkReplay(place, options.to);
    for (const place of places) await replay(place, options);
    return 0;
  } catch (error) {
    const known = asLoadError(error);
    process.stderr.write(`${report(known)}\n`);
    return exitCode(known);
  }
}

/** @throws PlanError when the dead letters of a place cannot be replayed */
export function checkReplay(place: Place, to: string | undefined): void {
  const { id, sink, source, step } = place;
  if (sink.kind !== "kafka") {
    const instead =
      'keep them in a topic, with deadLetter(kafka(...)), or send what "key" and "value" of each line hold in base64 yourself';
    throw new PlanError(`dead letters in ${placeName(place)} are not replayed: ${instead}`, step);
  }
  if (to === sink.topic) {
    throw new PlanError(`its dead letters are in topic "${to}" already: name another with --to`, step);
  }
  if (to === undefined && source === undefined) {
    throw new PlanError(`its dead letters came from no topic: name one with --step ${id} --to TOPIC`, step);
  }
}

/** What has become of the dead letters that came along. */
interface Counts {
  readonly sent: Map<string, number>;
  passedOver: number;
}

async function replay(place: Place, options: ReplayOptions): Promise<void> {
  const counts: Counts = { sent: new Map(), passedOver: 0 };
  await inTopic(place, async (reader) => {
    const known = await reader.committed();
    // To commit them again keeps the broker from forgetting them.
    if (known.size > 0 && !options.dryRun) await reader.commit(known);
    const from: Positions = options.again ? new Map() : known;
    if (options.dryRun)
      return reader.each(from, (records) => void chosen(records.map(fromHeaders), place, options, counts));
    await toTopics(place, async (writer) => {
      const topics = new Topics(writer, place);
      let toldMs = performance.now();
      await reader.each(from, async (records) => {
        const letters = chosen(records.map(fromHeaders), place, options, counts);
        await writer.write(await Promise.all(letters.map((letter) => topics.outgoing(letter, options.to))));
        const positions = new Map<number, number>();
        for (const { partition, offset } of records) {
          positions.set(partition, Math.max(offset + 1, known.get(partition) ?? 0, positions.get(partition) ?? 0));
        }
        await reader.commit(positions);
        if (performance.now() - toldMs < PROGRESS_MS) return;
        toldMs = performance.now();
        say(`${place.id}: ${number(sum(counts))} sent so far`);
      });
    });
  });
  for (const line of outcome(place, options, counts)) say(line);
}

/** Those of the place that are wanted; they are counted. */
function chosen(
  letters: readonly (DeadLetter | undefined)[],
  place: Place,
  { reason = "", to }: ReplayOptions,
  counts: Counts,
): DeadLetter[] {
  const own = letters.filter((letter) => letter !== undefined).filter((letter) => isOf(place, letter));
  const wanted = own.filter((letter) => letter.reason.includes(reason));
  for (const { resource } of wanted) counts.sent.set(to ?? resource, (counts.sent.get(to ?? resource) ?? 0) + 1);
  counts.passedOver += own.length - wanted.length;
  return wanted;
}

/** Where records go: to the partition that they came from, elsewhere by their key. */
class Topics {
  #partitions: Promise<ReadonlyMap<string, number>> | undefined;

  constructor(
    private readonly writer: TopicWriter,
    private readonly place: Place,
  ) {}

  async outgoing({ resource, partition, timestamp, key, value }: DeadLetter, to?: string): Promise<OutgoingRecord> {
    const topic = to ?? resource;
    this.#partitions ??= this.writer.partitions();
    const count = (await this.#partitions).get(topic);
    if (count === undefined) {
      throw new SinkError(`topic "${topic}" does not exist: create it, or name another with --to`, this.place.step);
    }
    return { topic, partition: to === undefined && partition < count ? partition : undefined, timestamp, key, value };
  }
}

function sum({ sent }: Counts): number {
  return [...sent.values()].reduce((sum, records) => sum + records, 0);
}

function outcome(place: Place, { dryRun = false, reason }: ReplayOptions, counts: Counts): string[] {
  const verb = dryRun ? "would be sent" : "sent";
  const sent = [...counts.sent].map(([topic, records]) => `${place.id}: ${count(records)} ${verb} to ${topic}`);
  const nothing = `${place.id}: nothing to send: all in ${placeName(place)} was replayed or passed over before (--again begins anew)`;
  const passed = `${place.id}: ${count(counts.passedOver)} passed over, without "${reason}" in the reason: --again --reason TEXT sends such`;
  const lines = [
    ...(sent.length === 0 && counts.passedOver === 0 ? [nothing] : sent),
    ...(counts.passedOver === 0 ? [] : [passed]),
  ];
  return dryRun ? lines : [...lines, `${place.id}: positions are kept in the consumer group ${groupOf(place)}`];
}

function count(records: number): string {
  return `${number(records)} ${records === 1 ? "record" : "records"}`;
}
