/**
 * The whole contract with the core; nothing else imports the addon. Its rules:
 *
 * - A `Job` is made once in a process, on any thread; a `Slot` finds it by its id.
 * - A `Slot` is made and stepped on one thread. `step` blocks that thread for about its budget, working or napping.
 * - `call` and `show` run within `step`. What they get are views of the core's memory, or places in the scratch memory of
 *   the slot, to be read and not to be kept: the next call finds other values there. What `call` returns is copied.
 * - Requests of HTTP sinks are taken, sent and answered by the thread that has called `onRequests`. Their bodies are views of
 *   the core's memory, which stay as long as they are held.
 * - Calls of drivers are taken, served and answered by the thread that has called `onCalls`; their rows are views as well.
 * - An error has a `code`, and a `step` where one is concerned; see `errors.ts`. After a step has thrown, the job is
 *   cancelled: the other slots finish by themselves.
 */
import addon, {
  type Batch,
  type Column,
  type DriverCall,
  type DriverPage,
  type Given,
  type HttpAnswer,
  type HttpRequest,
  type JobMetrics,
  type Mapped,
  type StoredCheckpoint,
  type StoredOperator,
  type StoredPosition,
} from "@millrace/native";

export const { Job: NativeJob, Slot: NativeSlot, protobufColumns, stored } = addon;
export type NativeJob = InstanceType<typeof NativeJob>;
export type {
  Batch,
  Column,
  DriverCall,
  DriverPage,
  Given,
  HttpAnswer,
  HttpRequest,
  JobMetrics,
  Mapped,
  StoredCheckpoint,
  StoredOperator,
  StoredPosition,
};
