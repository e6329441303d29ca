export { readSecret, type Secret } from "./calling/secret.js";
export type { BrokerHealth } from "./kafka/brokers.js";
export { type ConsumerGroup, openConsumerGroup } from "./kafka/consumer-group.js";
export { type ControlPlane, openControlPlane } from "./kafka/control-plane.js";
export { openTopicReader, type Positions, type TopicReader, type TopicRecord } from "./kafka/topic-reader.js";
export { type OutgoingRecord, openTopicWriter, type TopicWriter } from "./kafka/topic-writer.js";
export {
  type ReferencedSchema,
  type RegisteredSchema,
  type RegistryAddress,
  RegistryError,
  type SchemaDefinition,
  type SchemaReference,
  SchemaRegistry,
  type SchemaType,
} from "./schema-registry/client.js";
