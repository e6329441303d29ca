export { systemClock } from "../http/clock.js";
export { Attempts } from "./attempts.js";
export type {
  Driver,
  DriverLookup,
  DriverSink,
  DriverSource,
  Refusal,
  Row,
  SplitPage,
  SplitReader,
  Step,
} from "./driver.js";
export { driver } from "./registry.js";
