import { Attempts, type Driver, driver, type Step, systemClock } from "@millrace/connectors/driver";
import type { DriverCall, NativeJob } from "../native.js";
import type { DriverFigures, DriverStep, Serving } from "./drivers.js";
import { LookupCalls } from "./lookup-calls.js";
import { SinkCalls } from "./sink-calls.js";
import { SourceCalls } from "./source-calls.js";

/** Connects the driver of a step. */
export async function connect(step: DriverStep, native: NativeJob): Promise<Serving> {
  const found = await driver(step.driver);
  const serving = found && (await serve(found, step, native));
  if (serving === undefined) throw new Error("@millrace/connectors has nothing for it: update the package");
  return serving;
}

/** Has a driver serve the calls of a step; `undefined` where it cannot do what the step is for. */
export async function serve(
  driver: Driver<unknown>,
  { role, options, about }: Pick<DriverStep, "role" | "options" | "about">,
  native: NativeJob,
): Promise<Serving | undefined> {
  const attempts = new Attempts(systemClock, (error) => driver.mayPass?.(error) ?? false);
  const calls = await opened(driver, role, options, about, attempts, native);
  if (calls === undefined) return undefined;
  const { connection, serving } = calls;
  return {
    serve: (call) => serving.serve(call),
    figures: () => ({ ...serving.figures(), ...attempts.figures }),
    async close() {
      attempts.close();
      await connection.close();
    },
  };
}

/** What a step has its driver for. */
interface Calls {
  figures(): Pick<DriverFigures, "rows" | "bytes" | "splitsLeft" | "lagMs">;
  serve(call: DriverCall): Promise<void>;
}

async function opened(
  driver: Driver<unknown>,
  role: DriverStep["role"],
  options: unknown,
  about: Step,
  attempts: Attempts,
  native: NativeJob,
): Promise<{ readonly connection: { close(): Promise<void> }; readonly serving: Calls } | undefined> {
  switch (role) {
    case "source": {
      const connection = await driver.source?.(options, about);
      return connection && { connection, serving: new SourceCalls(connection, about, attempts, native) };
    }
    case "sink": {
      const connection = await driver.sink?.(options, about);
      return connection && { connection, serving: new SinkCalls(connection, about, attempts, native) };
    }
    case "lookup": {
      const connection = await driver.lookup?.(options, about);
      return connection && { connection, serving: new LookupCalls(connection, about, attempts, native) };
    }
  }
}
