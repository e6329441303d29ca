// What teams write by hand: node-rdkafka, JSON.parse and a Map.
import Kafka from "node-rdkafka";
import { results } from "./queries.js";

const { INPUT, OUTPUT, EVENTS, BOUNDED, QUERY } = process.env;
const BROKERS = process.env.BROKERS as string;
const PARTITIONS = 2;
const BATCH = QUERY === "latency" ? 100 : 5000;
const WAIT_MS = QUERY === "latency" ? 1 : 100;
const REQUEST_MS = 20_000;
const QUEUE_FULL = -184;

const producer = new Kafka.Producer({
  "metadata.broker.list": BROKERS,
  "linger.ms": QUERY === "latency" ? 0 : 20,
  "queue.buffering.max.messages": 1_000_000,
});
const consumer = new Kafka.KafkaConsumer(
  {
    "metadata.broker.list": BROKERS,
    "group.id": `loop-${process.pid}`,
    "enable.auto.commit": false,
    "queued.min.messages": 200_000,
    "fetch.wait.max.ms": QUERY === "latency" ? 5 : 500,
    // A full queue makes the fetcher wait for so long.
    "fetch.queue.backoff.ms": 5,
  },
  { "auto.offset.reset": "earliest" },
);
const query = results();
let next = 0;

await done((end) => producer.connect({ timeout: REQUEST_MS }, end));
await done((end) => consumer.connect({ timeout: REQUEST_MS }, end));
consumer.setDefaultConsumeTimeout(WAIT_MS);
consumer.assign(
  Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: INPUT as string, partition, offset: 0 })),
);
process.on("SIGTERM", () => void end());
for (let read = 0; BOUNDED !== "true" || read < Number(EVENTS); ) {
  const messages = await batch();
  for (const { value, partition } of messages) await write(query.add(value as Buffer, partition));
  producer.poll();
  read += messages.length;
}
await write(query.end());
await end();

function batch(): Promise<Kafka.Message[]> {
  return new Promise((resolve, reject) => {
    consumer.consume(BATCH, (error, messages) => (error ? reject(error) : resolve(messages)));
  });
}

async function write(rows: readonly string[]): Promise<void> {
  for (const row of rows) {
    const value = Buffer.from(row);
    while (!offered(value)) await new Promise((resolve) => setTimeout(resolve, 5));
    next += 1;
  }
}

function offered(value: Buffer): boolean {
  try {
    producer.produce(OUTPUT as string, next % PARTITIONS, value);
    return true;
  } catch (error) {
    if ((error as { code?: number }).code !== QUEUE_FULL) throw error;
    producer.poll();
    return false;
  }
}

async function end(): Promise<void> {
  await done((end) => producer.flush(60_000, end));
  process.exit(0);
}

function done(act: (end: (error?: Kafka.LibrdKafkaError | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => act((error) => (error ? reject(new Error(error.message)) : resolve())));
}
