export { type ControlPlane, openControlPlane } from "./kafka/control-plane.js";
