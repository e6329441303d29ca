import type { IAdminClient } from "node-rdkafka";
import { connect, loadRdkafka, type Properties, partitions } from "./rdkafka.js";

/** Looks at a Kafka cluster and changes it; no record goes through it. */
export interface ControlPlane {
  /** The topics that there are, with their partitions. */
  partitions(): Promise<ReadonlyMap<string, number>>;
  /** @throws Error when the broker refuses; a topic that is there by now is no error */
  createTopic(topic: string, partitions: number): Promise<void>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 10_000;
const TOPIC_EXISTS = 36;

/**
 * Connects to the cluster that librdkafka's `properties` name. `undefined`: node-rdkafka is not installed, or the
 * cluster does not answer.
 */
export async function openControlPlane(properties: Properties): Promise<ControlPlane | undefined> {
  const rdkafka = await loadRdkafka();
  if (rdkafka === undefined) return undefined;
  const client = new rdkafka.Producer({ ...properties, log_level: 0 });
  // Said by the failed connection already.
  client.on("event.error", () => {});
  if (!(await connect(client, TIMEOUT_MS))) return undefined;
  let admin: IAdminClient | undefined;
  return {
    partitions: () => partitions(client, TIMEOUT_MS),
    createTopic(topic, count) {
      admin ??= rdkafka.AdminClient.create({ ...properties });
      return createTopic(admin, topic, count);
    },
    close() {
      admin?.disconnect();
      return new Promise((resolve) => client.disconnect(() => resolve()));
    },
  };
}

function createTopic(admin: IAdminClient, topic: string, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    // -1: as the broker replicates by default.
    const made = { topic, num_partitions: count, replication_factor: -1 };
    admin.createTopic(made, TIMEOUT_MS, (error) => {
      if (error && error.code !== TOPIC_EXISTS) reject(error);
      else resolve();
    });
  });
}
