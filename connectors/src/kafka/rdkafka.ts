import type { Client } from "node-rdkafka";

export type Properties = Readonly<Record<string, string>>;

/** node-rdkafka, or `undefined` where it is not installed: it is optional, as it has to be compiled. */
export function loadRdkafka() {
  return import("node-rdkafka").then(
    (module) => module.default ?? module,
    () => undefined,
  );
}

/** Whether the cluster answers in time. */
export function connect(client: Client<string>, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    client.connect({ timeout: timeoutMs }, (error) => resolve(!error));
  });
}

/** The topics that there are, with their partitions. */
export function partitions(client: Client<string>, timeoutMs: number): Promise<ReadonlyMap<string, number>> {
  return new Promise((resolve, reject) => {
    client.getMetadata({ timeout: timeoutMs }, (error, metadata) => {
      if (error) reject(error);
      else resolve(new Map(metadata.topics.map((topic) => [topic.name, topic.partitions.length])));
    });
  });
}
