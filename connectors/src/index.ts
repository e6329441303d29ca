export { type ConsumerGroup, openConsumerGroup } from "./kafka/consumer-group.js";
export { type ControlPlane, openControlPlane } from "./kafka/control-plane.js";
