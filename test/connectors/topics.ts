import { randomUUID } from "node:crypto";
import { type Format, kafka } from "millrace";
import type { Connector, Env, Server, Settings, Shape, Wrong } from "../conformance/connector.js";
import type { Row } from "../conformance/rows.js";
import { KafkaClient } from "../harness/client.js";
import { KafkaBroker } from "../harness/kafka.js";
import { freePorts } from "../harness/ports.js";

const PARTITIONS = 3;

/** The formats of a job that reads and writes topics. */
export interface Formats {
  /** What a row adds to the figure of bytes, where that can be told. */
  readonly bytesOf?: (row: Row) => number;
  read(at: Settings): Format<Shape>;
  write(at: Settings): Format;
}

/** How records look to a client that shares no code with Millrace. */
export interface Codec {
  readonly env: Env;
  /** Gets what encodes rows for a topic. */
  encoder(topic: string): Promise<(row: Row) => string | Buffer>;
  decode(value: Buffer): Promise<Row>;
  /** A record that cannot be decoded, and what the error says of it. */
  readonly bad: { readonly value: string; readonly says: string };
  /** What else a user may get wrong. */
  readonly wrong: { readonly source: readonly Wrong[]; readonly sink: readonly Wrong[] };
  stop(): Promise<void>;
}

/** The connector of Kafka's topics, by a format. */
export function topics(name: string, { bytesOf, read, write }: Formats, codec: () => Promise<Codec>): Connector {
  const figures = bytesOf === undefined ? {} : { bytesOf };
  return {
    name,
    source: {
      ...figures,
      hasLag: true,
      from: (j, at) =>
        j.source(
          kafka({
            topic: at.env("INPUT"),
            brokers: at.env("BROKERS"),
            format: read(at),
            start: "earliest",
            onBadRecord: at.onBadRecord,
          }),
        ),
    },
    sink: {
      ...figures,
      guarantee: "exactly-once",
      // A transaction holds the positions of its own cluster, too.
      feed: name,
      to: (at) =>
        kafka({ topic: at.env("OUTPUT"), brokers: at.env("BROKERS"), format: write(at), key: (row) => row.key }),
    },
    start: async () => server(await KafkaBroker.start(), await codec()),
  };
}

function server(broker: KafkaBroker, codec: Codec): Server {
  const client = new KafkaClient(broker.brokers);
  const topic = async () => {
    const name = `conformance-${randomUUID().slice(0, 8)}`;
    await client.createTopic(name, PARTITIONS);
    return name;
  };
  const noTopic = (role: string): Wrong => ({
    what: "a topic that is not there",
    env: { [role]: "nowhere" },
    says: /topic "nowhere" does not exist: create it, or /,
  });
  return {
    stop: async () => {
      await broker.stop();
      await codec.stop();
    },
    pause: () => broker.pause(),
    resume: () => broker.resume(),
    kill: () => broker.kill(),
    restart: () => broker.restart(),
    async openSource() {
      const input = await topic();
      const encode = await codec.encoder(input);
      const [nobody] = await freePorts(1);
      return {
        env: { ...codec.env, INPUT: input, BROKERS: broker.brokers },
        wrong: [
          noTopic("INPUT"),
          {
            what: "nobody at the address",
            env: { BROKERS: `127.0.0.1:${nobody}` },
            says: new RegExp(`no answer from 127\\.0\\.0\\.1:${nobody} .*Check that the brokers run`),
          },
          ...codec.wrong.source,
        ],
        fill: (rows) =>
          client.produce(
            input,
            rows.map((row) => ({ partition: row.id % PARTITIONS, value: encode(row) })),
          ),
        async spoil() {
          await client.produce(input, [{ partition: 0, value: codec.bad.value }]);
          return Buffer.from(codec.bad.value);
        },
        spoilt: new RegExp(`${input}, partition 0, offset \\d+: ${codec.bad.says}.* Set onBadRecord`),
      };
    },
    async openSink() {
      const output = await topic();
      return {
        env: { ...codec.env, OUTPUT: output, BROKERS: broker.brokers },
        wrong: [noTopic("OUTPUT"), ...codec.wrong.sink],
        rows: async () =>
          Promise.all((await client.read(output)).map(({ value }) => codec.decode(value ?? Buffer.alloc(0)))),
        arrived: () => client.size(output, "read_uncommitted"),
      };
    },
  };
}
