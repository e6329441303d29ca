import { setTimeout as pause } from "node:timers/promises";
import type { KafkaConsumer, LibrdKafkaError, Message, WatermarkOffsets } from "node-rdkafka";
import type { PartitionOffset } from "./lag.js";
import { connectOrThrow, lastError, loadRdkafka, type Properties, partitions } from "./rdkafka.js";

/** A record as it lies in a topic. */
export interface TopicRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly headers: ReadonlyMap<string, string>;
}

/** Offsets by partition. */
export type Positions = ReadonlyMap<number, number>;

/** Reads a topic from the side, as tools do: no job reads by it. Its group has no members, but positions of its own. */
export interface TopicReader {
  /**
   * Gives what is committed and lies in the topic now, from the positions on, or from the first record where there is
   * none, in the order of each partition. It goes on when `onRecords` is done.
   */
  each(from: Positions, onRecords: (records: readonly TopicRecord[]) => Promise<void> | void): Promise<void>;
  /** What the group has committed; a partition without is left out. */
  committed(): Promise<Positions>;
  commit(positions: Positions): Promise<void>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 10_000;
/** A cluster that has given nothing for so long does not answer. */
const SILENCE_MS = 30_000;
/** Records that are taken at once. */
const BATCH = 1000;
// A broker that is starting answers so until it has loaded the groups.
const COORDINATOR_MOVES = [14, 15, 16];
const COORDINATOR_PAUSE_MS = 100;

/**
 * Opens a topic in the cluster that librdkafka's `properties` name. `undefined`: node-rdkafka is not installed.
 *
 * @throws Error when the cluster does not answer, or has no such topic
 */
export async function openTopicReader(
  properties: Properties,
  topic: string,
  group: string,
): Promise<TopicReader | undefined> {
  const rdkafka = await loadRdkafka();
  if (rdkafka === undefined) return undefined;
  const consumer = new rdkafka.KafkaConsumer(
    {
      ...properties,
      log_level: 0,
      "group.id": group,
      "enable.auto.commit": false,
      "enable.partition.eof": true,
      "isolation.level": "read_committed",
    },
    { "auto.offset.reset": "error" },
  );
  consumer.setDefaultConsumeTimeout(100);
  const said = lastError(consumer);
  await connectOrThrow(consumer, TIMEOUT_MS, said, () => consumer.consume(1, () => {}));
  const close = () => new Promise<void>((resolve) => consumer.disconnect(() => resolve()));
  try {
    const count = (await partitions(consumer, TIMEOUT_MS)).get(topic);
    if (count === undefined) throw new Error(`topic "${topic}" does not exist`);
    const all = Array.from({ length: count }, (_, partition) => ({ topic, partition }));
    return {
      async each(from, onRecords) {
        const ends = new Map<number, number>();
        const open = new Set<number>();
        const assigned = [];
        for (const { partition } of all) {
          const { lowOffset, highOffset } = await watermarks(consumer, topic, partition);
          const offset = Math.max(from.get(partition) ?? lowOffset, lowOffset);
          ends.set(partition, highOffset);
          if (offset >= highOffset) continue;
          open.add(partition);
          assigned.push({ topic, partition, offset });
        }
        // The last offsets may be no records, but marks of transactions.
        const onEnd = ({ partition }: { readonly partition: number }) => open.delete(partition);
        consumer.on("partition.eof", onEnd);
        consumer.assign(assigned);
        let heardMs = performance.now();
        while (open.size > 0) {
          const messages = await consume(consumer);
          if (messages.length > 0) heardMs = performance.now();
          else if (performance.now() - heardMs > SILENCE_MS) throw new Error(said() ?? "the cluster does not answer");
          const endOf = (partition: number) => ends.get(partition) ?? 0;
          const before = messages.filter(({ partition, offset }) => offset < endOf(partition));
          if (before.length > 0) await onRecords(before.map(asRecord));
          for (const { partition, offset } of messages) if (offset + 1 >= endOf(partition)) open.delete(partition);
        }
        consumer.removeListener("partition.eof", onEnd);
        consumer.unassign();
      },
      async committed() {
        const found = await patiently(() =>
          answer<(PartitionOffset | Error)[]>((settle) => consumer.committed(all, TIMEOUT_MS, settle)),
        );
        const positions = new Map<number, number>();
        for (const one of found) {
          // An error stands in the place of a partition: to take it for none would send its records again.
          if (one instanceof Error) throw one;
          if (one.offset !== undefined && one.offset >= 0) positions.set(one.partition, one.offset);
        }
        return positions;
      },
      async commit(positions) {
        const offsets = [...positions].map(([partition, offset]) => ({ topic, partition, offset }));
        await patiently(async () => {
          consumer.commitSync(offsets);
        });
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function watermarks(consumer: KafkaConsumer, topic: string, partition: number): Promise<WatermarkOffsets> {
  return answer((settle) => consumer.queryWatermarkOffsets(topic, partition, TIMEOUT_MS, settle));
}

function consume(consumer: KafkaConsumer): Promise<Message[]> {
  return answer((settle) => consumer.consume(BATCH, settle));
}

/** Asks again while the group's coordinator is not there yet. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const untilMs = performance.now() + TIMEOUT_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const mayPass = COORDINATOR_MOVES.includes((error as LibrdKafkaError).code);
      if (!mayPass || performance.now() > untilMs) throw error;
      await pause(COORDINATOR_PAUSE_MS);
    }
  }
}

function asRecord({ partition, offset, key, value, timestamp, headers = [] }: Message): TopicRecord {
  return {
    partition,
    offset,
    key: key === null || key === undefined ? null : Buffer.from(key),
    value,
    timestamp: timestamp ?? -1,
    headers: new Map(
      headers.flatMap((header) => Object.entries(header)).map(([name, text]) => [name, String(text ?? "")]),
    ),
  };
}

type Settle<T> = (error: LibrdKafkaError | null, found: T) => void;

function answer<T>(ask: (settle: Settle<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => ask((error, found) => (error ? reject(error) : resolve(found))));
}
