import { connectOrThrow, lastError, loadRdkafka, type Properties, partitions } from "./rdkafka.js";

/** A record on its way to a topic. */
export interface OutgoingRecord {
  readonly topic: string;
  /** By the key without it. */
  readonly partition?: number | undefined;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Milliseconds since the epoch; now without it. */
  readonly timestamp?: number | undefined;
}

/** Writes to topics from the side, as tools do: no job writes by it. */
export interface TopicWriter {
  /** The topics that there are, with their partitions. */
  partitions(): Promise<ReadonlyMap<string, number>>;
  /**
   * Returns when every in-sync replica has all of them.
   *
   * @throws Error when some could not be delivered
   */
  write(records: readonly OutgoingRecord[]): Promise<void>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 10_000;
/** What cannot be delivered for so long has failed. */
const DELIVERY_MS = 60_000;
const POLL_MS = 10;
/** Librdkafka's greatest: how large a record may be is for the broker to say. */
const ANY_SIZE = 1_000_000_000;

/**
 * Connects to the cluster that librdkafka's `properties` name. `undefined`: node-rdkafka is not installed.
 *
 * @throws Error when the cluster does not answer
 */
export async function openTopicWriter(properties: Properties): Promise<TopicWriter | undefined> {
  const rdkafka = await loadRdkafka();
  if (rdkafka === undefined) return undefined;
  const producer = new rdkafka.Producer(
    { ...properties, log_level: 0, dr_cb: true, "enable.idempotence": true, "message.max.bytes": ANY_SIZE },
    { "request.required.acks": -1, "message.timeout.ms": DELIVERY_MS },
  );
  const said = lastError(producer);
  await connectOrThrow(producer, TIMEOUT_MS, said, () => producer.poll());
  producer.setPollInterval(POLL_MS);
  let onReport: (error: Error | null) => void = () => {};
  producer.on("delivery-report", (error) => onReport(error ? new Error(error.message) : null));
  return {
    partitions: () => partitions(producer, TIMEOUT_MS),
    write(records) {
      return new Promise((resolve, reject) => {
        let open = records.length;
        let failure: Error | undefined;
        let failed = 0;
        const settle = () => {
          if (open > 0) return;
          if (failure === undefined) resolve();
          else reject(new Error(`${failed} of ${records.length} records were not delivered: ${failure.message}`));
        };
        onReport = (error) => {
          open -= 1;
          if (error !== null) {
            failure ??= error;
            failed += 1;
          }
          settle();
        };
        for (const { topic, partition, key, value, timestamp } of records) {
          try {
            producer.produce(topic, partition ?? null, value, key, timestamp ?? null);
          } catch (error) {
            onReport(error as Error);
          }
        }
        settle();
      });
    },
    close: () => new Promise((resolve) => producer.disconnect(() => resolve())),
  };
}
