import { type FileHandle, open } from "node:fs/promises";
import type { OutgoingRecord, TopicWriter } from "@millrace/connectors";
import { SinkError } from "millrace";
import type { DeadLetter } from "./dead-letter.js";
import type { Place } from "./places.js";
import { toTopics } from "./topic.js";

/** Takes dead letters that are replayed. */
export interface Destination {
  /** Returns when they are safe where they are. */
  send(letters: readonly DeadLetter[]): Promise<void>;
}

/** Sends to the topics that records came from, or to one. */
export function toTopic(place: Place, to: string | undefined, use: (there: Destination) => Promise<void>) {
  return toTopics(place, (writer) => use(new Topics(writer, place, to)));
}

/** Records go to the partition that they came from, elsewhere by their key. */
class Topics implements Destination {
  #partitions: Promise<ReadonlyMap<string, number>> | undefined;

  constructor(
    private readonly writer: TopicWriter,
    private readonly place: Place,
    private readonly to: string | undefined,
  ) {}

  async send(letters: readonly DeadLetter[]): Promise<void> {
    await this.writer.write(await Promise.all(letters.map((letter) => this.#outgoing(letter))));
  }

  async #outgoing({ resource, partition, timestamp, key, value }: DeadLetter): Promise<OutgoingRecord> {
    const topic = this.to ?? resource;
    this.#partitions ??= this.writer.partitions();
    const count = (await this.#partitions).get(topic);
    if (count === undefined) {
      throw new SinkError(`topic "${topic}" does not exist: create it, or name another with --to`, this.place.step);
    }
    const isBack = this.to === undefined && partition < count;
    return { topic, partition: isBack ? partition : undefined, timestamp, key, value };
  }
}

const LINE_END = Buffer.from("\n");
const EMPTY = Buffer.alloc(0);

/** Writes values to a new file, a line each. */
export class LinesFile implements Destination {
  #file: FileHandle | undefined;

  constructor(private readonly path: string) {}

  /** What can be a line: a tombstone has no value, and one of several lines would be read as several records. */
  static takes({ value }: DeadLetter): boolean {
    return value !== null && !value.includes(LINE_END);
  }

  async send(letters: readonly DeadLetter[]): Promise<void> {
    const [first] = letters;
    if (first === undefined) return;
    try {
      this.#file ??= await open(this.path, "ax");
      await this.#file.appendFile(Buffer.concat(letters.flatMap(({ value }) => [value ?? EMPTY, LINE_END])));
      await this.#file.sync();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const why = code === "EEXIST" ? "it is there already; name a new file" : message;
      throw new SinkError(`--to-file ${this.path}: ${why}`, first.step, { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}
