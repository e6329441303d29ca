import type { KafkaConsumer, LibrdKafkaError, TopicPartition, TopicPartitionOffset } from "node-rdkafka";
import { type BrokerHealth, brokersIn } from "./brokers.js";
import { lagBetween } from "./lag.js";
import { connect, loadRdkafka, type Properties, partitions } from "./rdkafka.js";

/** Looks at what a consumer group has committed, without being a member of it; no record goes through it. */
export interface ConsumerGroup {
  /**
   * The records between the group's committed offsets and the ends of the partitions that there were at the opening;
   * `undefined` where nothing is committed.
   *
   * @throws Error when the cluster does not answer
   */
  lag(): Promise<number | undefined>;
  /** The cluster's brokers, as this client has found them by the last look at the lag. */
  readonly brokers: readonly BrokerHealth[];
  close(): Promise<void>;
}

// Short: a question holds one of the few threads that other I/O of the process needs, and keeps the process from ending.
const TIMEOUT_MS = 2000;
// Once between two looks at the lag.
const STATISTICS_MS = 5000;
/** In the place of a time: the offset after the last record. */
const END = -1;

/**
 * Looks at the group that librdkafka's `properties` name, in the topics that it `reads`. `undefined`: node-rdkafka is
 * not installed, or the cluster does not answer.
 */
export async function openConsumerGroup(
  properties: Properties,
  reads: (topic: string) => boolean,
): Promise<ConsumerGroup | undefined> {
  const rdkafka = await loadRdkafka();
  if (rdkafka === undefined) return undefined;
  const consumer = new rdkafka.KafkaConsumer(
    {
      ...properties,
      log_level: 0,
      "enable.auto.commit": false,
      // Kafka's tools take the ends without regard to open transactions.
      "isolation.level": "read_uncommitted",
      "statistics.interval.ms": STATISTICS_MS,
    },
    {},
  );
  consumer.setDefaultConsumeTimeout(0);
  let brokers: readonly BrokerHealth[] = [];
  consumer.on("event.stats", ({ message }) => {
    brokers = brokersIn(message, brokers);
  });
  if (!(await connect(consumer, TIMEOUT_MS))) return undefined;
  const close = () => new Promise<void>((resolve) => consumer.disconnect(() => resolve()));
  try {
    const read = [...(await partitions(consumer, TIMEOUT_MS))].filter(([topic]) => reads(topic));
    const all = read.flatMap(([topic, count]) =>
      Array.from({ length: count }, (_, partition) => ({ topic, partition })),
    );
    return {
      async lag() {
        await served(consumer);
        return lagBetween(await committed(consumer, all), await ends(consumer, all));
      },
      get brokers() {
        return brokers;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Lets the client tell its statistics: it does where it is asked for records, though it reads none. */
function served(consumer: KafkaConsumer): Promise<unknown> {
  return new Promise((resolve) => consumer.consume(1, resolve));
}

function committed(consumer: KafkaConsumer, partitions: TopicPartition[]): Promise<TopicPartitionOffset[]> {
  return answer((settle) => consumer.committed(partitions, TIMEOUT_MS, settle));
}

function ends(consumer: KafkaConsumer, partitions: TopicPartition[]): Promise<TopicPartitionOffset[]> {
  const atEnd = partitions.map((partition) => ({ ...partition, offset: END }));
  return answer((settle) => consumer.offsetsForTimes(atEnd, TIMEOUT_MS, settle));
}

type Settle<T> = (error: LibrdKafkaError | null, found: T) => void;

function answer<T>(ask: (settle: Settle<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => ask((error, found) => (error ? reject(error) : resolve(found))));
}
