import type { Client, KafkaClientEvents } from "node-rdkafka";

export type Properties = Readonly<Record<string, string>>;

// As librdkafka says it: the errors of events have no codes.
const ALL_BROKERS_DOWN = "all broker connections are down";

const LISTEN_EVERY_MS = 500;

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

/** What the client has last complained of; to be asked for when something fails. */
export function lastError(client: Client<KafkaClientEvents>): () => string | undefined {
  let last: string | undefined;
  client.on("event.error", ({ message }) => {
    // That all are down follows what brought each of them down.
    if (message !== ALL_BROKERS_DOWN || last === undefined) last = message;
  });
  return () => last;
}

/**
 * @param said what the client has last complained of
 * @param listen takes what it has to tell, which is lost when it ends
 * @throws Error when the cluster does not answer in time, with what was said of it
 */
export async function connectOrThrow(
  client: Client<string>,
  timeoutMs: number,
  said: () => string | undefined,
  listen: () => void,
): Promise<void> {
  const listening = setInterval(() => {
    if (client.isConnected()) listen();
  }, LISTEN_EVERY_MS);
  const answers = await connect(client, timeoutMs).finally(() => clearInterval(listening));
  if (answers) return;
  const why = said() === undefined ? "" : `: ${said()}`;
  throw new Error(`the cluster does not answer${why}; check brokers, tls and sasl`);
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
