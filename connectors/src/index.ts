export { type ConsumerGroup, openConsumerGroup } from "./kafka/consumer-group.js";
export { type ControlPlane, openControlPlane } from "./kafka/control-plane.js";
export {
  type RegisteredSchema,
  type RegistryAddress,
  RegistryError,
  type SchemaReference,
  SchemaRegistry,
} from "./schema-registry/client.js";
