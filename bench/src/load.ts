import Kafka from "node-rdkafka";
import { bid, Expected, record } from "./dataset.js";

export interface DatasetOptions {
  readonly events: number;
  readonly partitions: number;
  readonly seed: number;
}

/** Writes the events to a topic, in turn to its partitions; gives what the query has to make of them. */
export async function load(brokers: string, topic: string, options: DatasetOptions): Promise<Expected> {
  const producer = new Kafka.Producer({
    "metadata.broker.list": brokers,
    "compression.codec": "lz4",
    "linger.ms": 50,
    "batch.size": 1_000_000,
    "queue.buffering.max.messages": 1_000_000,
    "queue.buffering.max.kbytes": 500_000,
  });
  await new Promise<void>((resolve, reject) => {
    producer.connect({ timeout: 20_000 }, (error) => (error ? reject(error) : resolve()));
  });
  const expected = new Expected();
  for (let n = 0; n < options.events; n++) {
    const event = bid(n, options.seed);
    expected.add(event);
    const value = Buffer.from(record(event), "latin1");
    while (!offered(producer, topic, n % options.partitions, value)) await drain(producer);
  }
  await new Promise<void>((resolve, reject) => {
    producer.flush(120_000, (error) => (error ? reject(error) : resolve()));
  });
  await new Promise((resolve) => producer.disconnect(resolve));
  return expected;
}

const QUEUE_FULL = -184;

function offered(producer: Kafka.Producer, topic: string, partition: number, value: Buffer): boolean {
  try {
    producer.produce(topic, partition, value);
    return true;
  } catch (error) {
    if ((error as { code?: number }).code === QUEUE_FULL) return false;
    throw error;
  }
}

function drain(producer: Kafka.Producer): Promise<void> {
  producer.poll();
  return new Promise((resolve) => setTimeout(resolve, 5));
}
