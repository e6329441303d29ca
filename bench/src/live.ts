// A topic that is written at a rate, and one that is read as it grows.
import Kafka from "node-rdkafka";

const BURST_MS = 2;
const REQUEST_MS = 20_000;

/** Writes `{"n":…,"sent":…}` at a rate, in turn to the partitions, until it is closed. */
export class Feed {
  /** When each event was produced, in milliseconds since the epoch. */
  readonly sent: number[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #startMs = performance.now();
  #closed: Promise<void> | undefined;

  private constructor(
    private readonly producer: Kafka.Producer,
    private readonly topic: string,
    private readonly partitions: number,
    private readonly rate: number,
  ) {
    this.#timer = setInterval(() => this.#burst(), BURST_MS);
  }

  static async open(brokers: string, topic: string, partitions: number, rate: number): Promise<Feed> {
    const producer = new Kafka.Producer({
      "metadata.broker.list": brokers,
      "linger.ms": 1,
      "queue.buffering.max.messages": 1_000_000,
    });
    await connected((done) => producer.connect({ timeout: REQUEST_MS }, done));
    return new Feed(producer, topic, partitions, rate);
  }

  /** When the last event of a partition was produced. */
  lastOf(partition: number): number {
    const last = this.sent.length - 1;
    return this.sent[last - ((((last - partition) % this.partitions) + this.partitions) % this.partitions)] as number;
  }

  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    await connected((done) => this.producer.flush(REQUEST_MS, done));
    await new Promise((resolve) => this.producer.disconnect(resolve));
  }

  #burst(): void {
    const due = Math.floor(((performance.now() - this.#startMs) * this.rate) / 1000);
    while (this.sent.length < due) {
      const [n, sent] = [this.sent.length, Date.now()];
      this.producer.produce(this.topic, n % this.partitions, Buffer.from(`{"n":${n},"sent":${sent}}`, "latin1"));
      this.sent.push(sent);
    }
    this.producer.poll();
  }
}

/** Reads what is committed from now on; `onValue` hears it as soon as it is there. */
export async function reading(
  brokers: string,
  topic: string,
  partitions: number,
  onValue: (value: Buffer, atMs: number) => void,
): Promise<{ close(): Promise<void> }> {
  const consumer = new Kafka.KafkaConsumer(
    {
      "metadata.broker.list": brokers,
      "group.id": "millrace-bench",
      "enable.auto.commit": false,
      "isolation.level": "read_committed",
      "fetch.wait.max.ms": 10,
      // A full queue makes the fetcher wait for so long.
      "fetch.queue.backoff.ms": 5,
    },
    {},
  );
  // By default it looks away for 500 ms when nothing came for 1 s.
  consumer.setDefaultConsumeTimeout(100);
  consumer.setDefaultConsumeLoopTimeoutDelay(1);
  await connected((done) => consumer.connect({ timeout: REQUEST_MS }, done));
  consumer.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 })));
  consumer.on("data", ({ value }) => {
    if (value !== null) onValue(value, Date.now());
  });
  consumer.consume();
  return { close: () => new Promise((resolve) => consumer.disconnect(() => resolve())) };
}

function connected(act: (done: (error?: Kafka.LibrdKafkaError | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => act((error) => (error ? reject(new Error(error.message)) : resolve())));
}
