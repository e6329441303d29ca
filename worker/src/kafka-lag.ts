import { type BrokerHealth, type ConsumerGroup, openConsumerGroup, readSecret } from "@millrace/connectors";
import type { Job } from "millrace";
import { byConnection, type Connection } from "./kafka-connection.js";
import { revealed } from "./secrets.js";

/** A consumer group of a job, and which topics it reads. */
export interface SourceGroup extends Connection {
  reads(topic: string): boolean;
}

/** How to look at a group; the connectors' own way unless a test has another. */
type Open = typeof openConsumerGroup;

/** How far a job's Kafka sources are behind, with a client for each connection and group. */
export class KafkaLag {
  readonly #groups: readonly SourceGroup[];
  readonly #clients = new Map<SourceGroup, ConsumerGroup>();
  /** By the cluster's addresses: groups of one cluster find the same brokers. */
  readonly #brokers = new Map<string, readonly BrokerHealth[]>();

  constructor(
    job: Job,
    private readonly open: Open = openConsumerGroup,
  ) {
    this.#groups = groupsOf(job);
  }

  /** Records that are not committed; `undefined` where that is not known of every source. */
  async look(): Promise<number | undefined> {
    let sum: number | undefined;
    // One after the other: each holds a thread that other I/O of the process may wait for.
    for (const group of this.#groups) {
      const lag = await this.#lagOf(group);
      if (lag === undefined) return undefined;
      sum = (sum ?? 0) + lag;
    }
    return sum;
  }

  /** The brokers of all clusters, as last looked at; after a look that failed none of its cluster is up. */
  get brokers(): readonly BrokerHealth[] {
    return [...this.#brokers.values()].flat();
  }

  async close(): Promise<void> {
    for (const group of this.#groups) await this.#close(group);
  }

  /** Whatever fails leaves the lag unknown, and the next look begins with a new client. */
  async #lagOf(group: SourceGroup): Promise<number | undefined> {
    try {
      const client = this.#clients.get(group) ?? (await this.open(revealed(group, readSecret), group.reads));
      if (client === undefined) {
        this.#found(group, this.#known(group).map(down));
        return undefined;
      }
      this.#clients.set(group, client);
      const lag = await client.lag();
      if (client.brokers.length > 0) this.#found(group, client.brokers);
      return lag;
    } catch {
      const { brokers = [] } = this.#clients.get(group) ?? {};
      this.#found(group, brokers.length > 0 ? brokers : this.#known(group).map(down));
      await this.#close(group);
      return undefined;
    }
  }

  #known({ properties }: SourceGroup): readonly BrokerHealth[] {
    return this.#brokers.get(properties["bootstrap.servers"] ?? "") ?? [];
  }

  #found({ properties }: SourceGroup, brokers: readonly BrokerHealth[]): void {
    this.#brokers.set(properties["bootstrap.servers"] ?? "", brokers);
  }

  async #close(group: SourceGroup): Promise<void> {
    await this.#clients.get(group)?.close();
    this.#clients.delete(group);
  }
}

const down = ({ broker }: BrokerHealth): BrokerHealth => ({
  broker,
  state: "down",
  roundTripP99Ms: undefined,
  outstanding: 0,
});

/** The job's consumer groups; sources that share one are looked at together. */
export function groupsOf(job: Job): SourceGroup[] {
  const sources = job.steps.flatMap(({ step }) =>
    step.kind === "source" && step.config.kind === "kafka" ? [step.config] : [],
  );
  return byConnection(sources, ["group.id"]).map(([connection, configs]) => {
    const reads = configs.map(({ topics, pattern }) => (pattern === undefined ? named(topics) : matching(pattern)));
    return { ...connection, reads: (topic) => reads.some((one) => one(topic)) };
  });
}

function named(topics: readonly string[]): SourceGroup["reads"] {
  return (topic) => topics.includes(topic);
}

/** As the core matches: whole names, and none of Kafka's own topics. */
function matching(pattern: string): SourceGroup["reads"] {
  // Made where a failure is caught: whether a pattern is one is for the core to say.
  return (topic) => !topic.startsWith("__") && new RegExp(`^(?:${pattern})$`).test(topic);
}
