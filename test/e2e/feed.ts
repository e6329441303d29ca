import type { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import type { Job } from "../harness/job.js";
import { type WindowShape, windowed } from "../harness/model.js";
import { record, START, type Trade } from "../harness/trades.js";
import { differences, readResults } from "./results.js";

const TUMBLING = { sizeMs: 5000, slideMs: 5000 };
const HOPPING = { sizeMs: 6000, slideMs: 2000 };
export const PARTITIONS = [0, 1, 2];

/** Longer than events come out of order, and than any window. */
const AFTER_ALL_MS = 3_600_000;

interface Progress {
  withinMs?: number;
  share?: number;
}

/** A topic that fills while a job reads it, and the job's outputs. */
export class Feed {
  readonly topics: { INPUT: string; TUMBLING: string; HOPPING: string };
  readonly env: Record<string, string>;
  readonly #kafka: KafkaClient;
  readonly #events: Trade[];
  #sent = 0;

  constructor(kafka: KafkaClient, name: string, events: Trade[]) {
    this.#kafka = kafka;
    this.#events = events;
    this.topics = { INPUT: `${name}-in`, TUMBLING: `${name}-tumbling`, HOPPING: `${name}-hopping` };
    // No partition falls silent here; a machine that stands still for seconds must not make one seem to.
    this.env = { ...this.topics, JOB: name, BROKERS: kafka.brokers, IDLE_TIMEOUT: "60s" };
  }

  async create(): Promise<void> {
    for (const topic of Object.values(this.topics)) await this.#kafka.createTopic(topic, PARTITIONS.length);
  }

  /** Sends the next `share` of all events. */
  async send(share: number): Promise<void> {
    const end = Math.min(this.#events.length, this.#sent + Math.ceil(this.#events.length * share));
    await this.#kafka.produce(this.topics.INPUT, this.#events.slice(this.#sent, end).map(record));
    this.#sent = end;
  }

  /** Sends the rest, and an event a partition that closes every window before it. */
  async finish(): Promise<void> {
    await this.send(1);
    const last = this.#events.at(-1)?.at ?? START;
    const closing = { account: "closing", price: 0, venue: "north", at: last + AFTER_ALL_MS };
    await this.#kafka.produce(
      this.topics.INPUT,
      PARTITIONS.map((partition) => record({ ...closing, partition })),
    );
  }

  /** How many windows there are to be. */
  get windows(): number {
    return windowed(this.#events, TUMBLING).size + windowed(this.#events, HOPPING).size;
  }

  /** What is wrong with the results; nothing once every window has been written, whole: once, or with `duplicates` again. */
  async differences({ duplicates = false } = {}): Promise<string[]> {
    const check = async (topic: string, window: WindowShape) =>
      differences(await readResults(this.#kafka, topic), windowed(this.#events, window), duplicates);
    return [...(await check(this.topics.TUMBLING, TUMBLING)), ...(await check(this.topics.HOPPING, HOPPING))];
  }

  /** Windows that have been written. */
  written(): Promise<number> {
    return this.#kafka.size(this.topics.TUMBLING);
  }

  /** Waits until every window has been written. */
  async complete(job: Pick<Job, "log">, withinMs?: number): Promise<void> {
    await eventually(
      async () => !(await this.differences({ duplicates: true })).some((line) => line.endsWith(": missing")),
      {
        what: "every window",
        detail: () => job.log,
        ...(withinMs === undefined ? {} : { withinMs }),
      },
    );
  }

  /** Waits until `rows` more windows have been written than there are now; sends a share of the events meanwhile. */
  async progress(job: Pick<Job, "log">, rows: number, { withinMs, share = 0 }: Progress = {}): Promise<void> {
    const before = await this.written();
    // Not before that look: a fast job would be done with them, and nothing would follow.
    if (share > 0) await this.send(share);
    await eventually(async () => (await this.written()) >= before + rows, {
      what: `${rows} more windows`,
      detail: () => job.log,
      ...(withinMs === undefined ? {} : { withinMs }),
    });
  }
}
