// What teams write by hand: kafkajs, JSON.parse and a Map.
import { createRequire } from "node:module";
import kafkajs from "kafkajs";
import { results } from "./queries.js";

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;
const { INPUT, OUTPUT, EVENTS, BOUNDED, QUERY } = process.env;
const BROKERS = process.env.BROKERS as string;
const PARTITIONS = 2;
// Its declarations tell of an ES module, which it is not.
const LZ4 = createRequire(import.meta.url)("kafkajs-lz4") as new () => { codec: () => unknown };
CompressionCodecs[CompressionTypes.LZ4] = new LZ4().codec;

const kafka = new Kafka({ brokers: [BROKERS], logLevel: logLevel.ERROR });
const producer = kafka.producer({ createPartitioner: () => () => next++ % PARTITIONS });
const latency = QUERY === "latency" ? { maxWaitTimeInMs: 5 } : {};
const consumer = kafka.consumer({
  groupId: `loop-${process.pid}`,
  // A batch is worked on for longer than the usual time where the machine is busy.
  sessionTimeout: 120_000,
  maxBytes: 32 << 20,
  maxBytesPerPartition: 16 << 20,
  ...latency,
});
const query = results();
let next = 0;

await producer.connect();
await consumer.connect();
await consumer.subscribe({ topic: INPUT as string, fromBeginning: true });
process.on("SIGTERM", () => void end());
let read = 0;
await new Promise<void>((resolve) => {
  void consumer.run({
    partitionsConsumedConcurrently: PARTITIONS,
    async eachBatch({ batch, heartbeat }) {
      const rows = batch.messages.flatMap(({ value }) => query.add(value as Buffer, batch.partition));
      await write(rows, heartbeat);
      read += batch.messages.length;
      if (BOUNDED === "true" && read >= Number(EVENTS)) resolve();
    },
  });
});
await write(query.end(), async () => {});
await end();

async function write(rows: readonly string[], heartbeat: () => Promise<void>): Promise<void> {
  const at = 10_000;
  for (let from = 0; from < rows.length; from += at) {
    const messages = rows.slice(from, from + at).map((value) => ({ value }));
    await producer.send({ topic: OUTPUT as string, messages });
    await heartbeat();
  }
}

async function end(): Promise<void> {
  await producer.disconnect();
  process.exit(0);
}
