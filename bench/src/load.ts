import Kafka from "node-rdkafka";
import { type Auctions, type Bid, bid } from "./dataset.js";

export interface Dataset {
  readonly events: number;
  readonly partitions: number;
  readonly seed: number;
  readonly auctions: Auctions;
  readonly record: (bid: Bid) => string;
}

/** Writes the events to a topic, in turn to its partitions; `onBid` hears of each. */
export async function load(
  brokers: string,
  topic: string,
  { events, partitions, seed, auctions, record }: Dataset,
  onBid: (bid: Bid) => void,
): Promise<void> {
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
  for (let n = 0; n < events; n++) {
    const event = bid(n, seed, auctions);
    onBid(event);
    const value = Buffer.from(record(event), "latin1");
    while (!offered(producer, topic, n % partitions, value)) await drain(producer);
  }
  await new Promise<void>((resolve, reject) => {
    producer.flush(120_000, (error) => (error ? reject(error) : resolve()));
  });
  await new Promise((resolve) => producer.disconnect(resolve));
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
