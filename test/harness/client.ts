import Kafka from "node-rdkafka";
import { eventually } from "./eventually.js";

export interface Message {
  partition: number;
  offset: number;
  key: string | null;
  value: Buffer | null;
  headers: Record<string, Buffer>;
  timestamp: number;
}

export interface Outgoing {
  partition: number;
  value: string | Buffer | null;
  key?: string;
  /** Milliseconds since the epoch; now when not given. */
  timestamp?: number;
}

type Isolation = "read_committed" | "read_uncommitted";

/** What a producer holds at most. */
const QUEUED_RECORDS = 200_000;
const REQUEST_MS = 20_000;
// A broker gives these answers while it is still loading the groups: in progress, not available, not the one.
const COORDINATOR_MOVES = [14, 15, 16];
// And these until it leads its partitions: it does not know them (as librdkafka says it, and as it does), no leader, not
// the leader.
const LEADER_MOVES = [-190, 3, 5, 6];
// A client that was told of no broker, as by one that has just come back, may ask nobody any more: it says that the
// broker is gone, that all are, that there is no connection, or no answer.
const CUT_OFF = [-137, -187, -195, -185];
const ANSWER_WITHIN_MS = 60_000;

interface Reading {
  group?: string;
  isolation?: Isolation;
}

/** What tests ask of Kafka, by a client that shares no code with Millrace's core. */
export class KafkaClient {
  readonly brokers: string;

  constructor(brokers: string) {
    this.brokers = brokers;
  }

  async createTopic(topic: string, partitions: number, config: Record<string, string> = {}): Promise<void> {
    const admin = Kafka.AdminClient.create({ "metadata.broker.list": this.brokers });
    try {
      await new Promise<void>((resolve, reject) => {
        const spec = { topic, num_partitions: partitions, replication_factor: 1, config };
        admin.createTopic(spec, REQUEST_MS, (error) => (error ? reject(asError(error, `create ${topic}`)) : resolve()));
      });
    } finally {
      admin.disconnect();
    }
  }

  /** Writes in order, each record to its partition, and waits until the broker has all of them. */
  async produce(topic: string, records: Iterable<Outgoing>): Promise<void> {
    const producer = new Kafka.Producer({
      "metadata.broker.list": this.brokers,
      "enable.idempotence": true,
      "linger.ms": 5,
      "message.max.bytes": 32 * 1024 * 1024,
      "queue.buffering.max.messages": QUEUED_RECORDS,
      "queue.buffering.max.kbytes": 1_000_000,
    });
    await new Promise<void>((resolve, reject) => {
      producer.connect({ timeout: REQUEST_MS }, (error) => (error ? reject(asError(error, "connect")) : resolve()));
    });
    try {
      const flush = () =>
        new Promise<void>((resolve, reject) => {
          producer.flush(60_000, (error) => (error ? reject(asError(error, `flush to ${topic}`)) : resolve()));
        });
      let queued = 0;
      for (const { partition, value, key, timestamp } of records) {
        const bytes = typeof value === "string" ? Buffer.from(value) : value;
        producer.produce(topic, partition, bytes, key ?? null, timestamp ?? null);
        queued += 1;
        if (queued % QUEUED_RECORDS === 0) await flush();
      }
      await flush();
    } finally {
      await new Promise((resolve) => producer.disconnect(resolve));
    }
  }

  /** Everything that lies in the topic now and is committed, in the order of each partition. */
  async read(topic: string): Promise<Message[]> {
    const messages: Message[] = [];
    await this.each(topic, (message) => messages.push(message));
    return messages;
  }

  /** The same, one after the other, for topics that are too long to be held. */
  async each(topic: string, onMessage: (message: Message) => void): Promise<void> {
    const ends = await this.#asked((consumer) => this.#ends(consumer, topic));
    return this.#consumer(async (consumer) => {
      const open = new Map([...ends].filter(([, { lowOffset, highOffset }]) => lowOffset < highOffset));
      // The last records may be ones that are not to be seen: the end of a partition is told apart from them.
      consumer.on("partition.eof", ({ partition }) => open.delete(partition));
      consumer.assign([...open].map(([partition, { lowOffset }]) => ({ topic, partition, offset: lowOffset })));
      while (open.size > 0) {
        for (const message of await consume(consumer)) onMessage(received(message));
      }
    });
  }

  /** The number of records in the topic now; those of open transactions count if they are asked for. */
  async size(topic: string, isolation: Isolation = "read_committed"): Promise<number> {
    const count = async (consumer: Kafka.KafkaConsumer) => {
      const ends = [...(await this.#ends(consumer, topic)).values()];
      return ends.reduce((sum, { lowOffset, highOffset }) => sum + highOffset - lowOffset, 0);
    };
    return this.#asked(count, { isolation });
  }

  /** The committed offset of each partition; a partition without one is left out. */
  async committed(group: string, topic: string): Promise<Map<number, number>> {
    return this.#asked(
      async (consumer) => {
        const partitions = [...(await this.#ends(consumer, topic)).keys()].map((partition) => ({ topic, partition }));
        const ask = () =>
          new Promise<Map<number, number> | undefined>((resolve, reject) => {
            consumer.committed(partitions, REQUEST_MS, (error, found) => {
              if (error && COORDINATOR_MOVES.includes(error.code)) return resolve(undefined);
              if (error) return reject(asError(error, `committed offsets of ${group}`));
              const known = found.filter(({ offset }) => typeof offset === "number" && offset >= 0);
              resolve(new Map(known.map(({ partition, offset }) => [partition, offset])));
            });
          });
        return eventually(ask, { what: `committed offsets of ${group}`, withinMs: REQUEST_MS });
      },
      { group },
    );
  }

  /** Asks again, with a new client, until a broker answers. */
  async #asked<T>(ask: (consumer: Kafka.KafkaConsumer) => Promise<T>, reading: Reading = {}): Promise<T> {
    const attempt = async () => ({ found: await this.#consumer(ask, reading) });
    return (await this.#insist(attempt)).found;
  }

  async #consumer<T>(use: (consumer: Kafka.KafkaConsumer) => Promise<T>, reading: Reading = {}): Promise<T> {
    const consumer = await this.#insist(() => this.#connected(reading));
    try {
      return await use(consumer);
    } finally {
      await new Promise((resolve) => consumer.disconnect(resolve));
    }
  }

  async #connected({ group = "millrace-test", isolation = "read_committed" }: Reading): Promise<Kafka.KafkaConsumer> {
    const consumer = new Kafka.KafkaConsumer(
      {
        "metadata.broker.list": this.brokers,
        "group.id": group,
        "enable.auto.commit": false,
        "enable.partition.eof": true,
        "isolation.level": isolation,
        "fetch.message.max.bytes": 32 * 1024 * 1024,
        "check.crcs": true,
      },
      { "auto.offset.reset": "error" },
    );
    consumer.setDefaultConsumeTimeout(100);
    const known = await new Promise<Kafka.Metadata>((resolve, reject) => {
      consumer.connect({ timeout: REQUEST_MS }, (error, data) =>
        error ? reject(asError(error, "connect")) : resolve(data),
      );
    });
    if (known.brokers.length > 0) return consumer;
    await new Promise((resolve) => consumer.disconnect(resolve));
    throw new CutOff(`${this.brokers} tells of no broker`);
  }

  async #insist<T extends object>(attempt: () => Promise<T>): Promise<T> {
    let last = "";
    const insist = () =>
      attempt().catch((error) => {
        if (!(error instanceof CutOff)) throw error;
        last = error.message;
        return undefined;
      });
    const within = { what: `an answer of ${this.brokers}`, withinMs: ANSWER_WITHIN_MS, detail: () => last };
    return (await eventually(insist, within)) as T;
  }

  async #ends(consumer: Kafka.KafkaConsumer, topic: string): Promise<Map<number, Kafka.WatermarkOffsets>> {
    const metadata = await new Promise<Kafka.Metadata>((resolve, reject) => {
      consumer.getMetadata({ topic, timeout: REQUEST_MS }, (error, data) =>
        error ? reject(asError(error, `metadata of ${topic}`)) : resolve(data),
      );
    });
    const partitions = metadata.topics.find(({ name }) => name === topic)?.partitions ?? [];
    const ends = new Map<number, Kafka.WatermarkOffsets>();
    for (const { id } of partitions) {
      const ask = () =>
        new Promise<Kafka.WatermarkOffsets | undefined>((resolve, reject) => {
          consumer.queryWatermarkOffsets(topic, id, REQUEST_MS, (error, found) => {
            if (error && LEADER_MOVES.includes(error.code)) return resolve(undefined);
            if (error) return reject(asError(error, `offsets of ${topic}`));
            resolve(found);
          });
        });
      const offsets = await eventually(ask, { what: `offsets of ${topic}`, withinMs: REQUEST_MS });
      ends.set(id, offsets);
    }
    return ends;
  }
}

function consume(consumer: Kafka.KafkaConsumer): Promise<Kafka.Message[]> {
  return new Promise((resolve, reject) => {
    consumer.consume(1000, (error, messages) => (error ? reject(asError(error, "consume")) : resolve(messages)));
  });
}

function received(message: Kafka.Message): Message {
  const headers: Record<string, Buffer> = {};
  for (const entry of message.headers ?? []) {
    for (const [name, value] of Object.entries(entry)) headers[name] = Buffer.from(value);
  }
  return {
    partition: message.partition,
    offset: message.offset,
    key: message.key === null || message.key === undefined ? null : message.key.toString(),
    value: message.value,
    headers,
    timestamp: message.timestamp ?? -1,
  };
}

/** What another client may do. */
class CutOff extends Error {}

function asError(error: Kafka.LibrdKafkaError, during: string): Error {
  const text = `Kafka client, ${during}: ${error.message}`;
  return CUT_OFF.includes(error.code) ? new CutOff(text) : new Error(text);
}
