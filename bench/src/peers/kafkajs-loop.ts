// What teams write by hand: kafkajs, JSON.parse and a Map. It gives no results out and no guarantee.
import { createRequire } from "node:module";
import kafkajs from "kafkajs";

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;
const [brokers, topic, count] = process.argv.slice(2) as [string, string, string];
// Its declarations tell of an ES module, which it is not.
const LZ4 = createRequire(import.meta.url)("kafkajs-lz4") as new () => { codec: () => unknown };
CompressionCodecs[CompressionTypes.LZ4] = new LZ4().codec;

const windows = new Map<string, { n: number; total: number; top: number }>();
const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.ERROR });
const consumer = kafka.consumer({ groupId: `loop-${process.pid}`, maxBytes: 32 << 20, maxBytesPerPartition: 16 << 20 });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
let read = 0;
await new Promise<void>((resolve) => {
  void consumer.run({
    partitionsConsumedConcurrently: 2,
    async eachBatch({ batch }) {
      for (const { value } of batch.messages) {
        const bid = JSON.parse((value as Buffer).toString());
        const key = `${bid.auction}|${Math.floor(bid.dateTime / 10_000)}`;
        const window = windows.get(key);
        if (window === undefined) windows.set(key, { n: 1, total: bid.price, top: bid.price });
        else {
          window.n += 1;
          window.total += bid.price;
          window.top = Math.max(window.top, bid.price);
        }
      }
      read += batch.messages.length;
      if (read >= Number(count)) resolve();
    },
  });
});
process.stdout.write(`${JSON.stringify({ read, windows: windows.size })}\n`);
process.exit(0);
