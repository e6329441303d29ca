export { Attempts, type CallFigures } from "../calling/attempts.js";
export { systemClock } from "../calling/clock.js";
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
