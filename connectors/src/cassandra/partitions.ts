import type cassandra from "cassandra-driver";
import { type Cassandra, type Connection, ENCODING } from "./connect.js";
import type { CqlType } from "./values.js";

/** Keys of one statement: managed servers allow no more. */
const MOST_TOGETHER = 20;

/** Makes bytes of values, as the driver does when it sends them; its declarations leave it out. */
interface Encoder {
  encode(value: unknown, type: CqlType): Buffer;
}

type Replicas = (keyspace: string, partition: Buffer) => readonly cassandra.Host[] | null | undefined;

/** The partitions of a table whose partition key is one column. */
export class Partitions {
  readonly #encoder: Encoder;

  constructor(
    { types, Encoder }: Cassandra & { readonly Encoder?: new (version: number, options: object) => Encoder },
    private readonly type: CqlType,
    private readonly keyspace: string,
    private readonly replicas: Replicas,
  ) {
    if (Encoder === undefined) throw new Error("cassandra-driver has no Encoder: install a version that has");
    // Of all versions that there are, values look the same.
    this.#encoder = new Encoder(types.protocolVersion.v4, { encoding: ENCODING });
  }

  static of({ cassandra, client, settings }: Connection, type: CqlType): Partitions {
    return new Partitions(cassandra, type, settings.keyspace, (keyspace, partition) =>
      client.getReplicas(keyspace, partition),
    );
  }

  /** What the server tells partitions apart by; a value may be the job's or the server's. */
  bytes(value: unknown): Buffer {
    return this.#encoder.encode(value, this.type);
  }

  /** Puts together what lies on the same nodes, so many at most. */
  onSameNodes<T extends { readonly partition: Buffer }>(keys: Iterable<T>): [T, ...T[]][] {
    const groups: [T, ...T[]][] = [];
    const open = new Map<string, T[]>();
    for (const key of keys) {
      const nodes = this.#nodes(key.partition);
      const group = open.get(nodes);
      if (group !== undefined && group.length < MOST_TOGETHER) {
        group.push(key);
        continue;
      }
      const next: [T, ...T[]] = [key];
      open.set(nodes, next);
      groups.push(next);
    }
    return groups;
  }

  #nodes(partition: Buffer): string {
    const hosts = this.replicas(this.keyspace, partition) ?? [];
    return hosts
      .map(({ address }) => address)
      .toSorted()
      .join(" ");
  }
}
