import type { Duration, HttpConnection } from "millrace";
import type { Settings, Wrong } from "../conformance/connector.js";
import { freePorts } from "../harness/ports.js";

/** How sinks over HTTP send rows in the tests: in small batches, and without long waits. */
export function delivery({ env, onBadRecord }: Settings) {
  return {
    batch: { rows: 1000, linger: "50ms" },
    timeout: { connect: "1s", response: "2s" },
    retry: { delay: "20ms", maxDelay: "200ms", giveUpAfter: env("GIVE_UP_AFTER", "5m") as Duration },
    onBadRecord,
  } satisfies HttpConnection;
}

/** A sink over HTTP that goes by `delivery`, and has its address from the variable, finds no server there. */
export async function nobodyAt(variable: string): Promise<Wrong> {
  const [port] = await freePorts(1);
  return {
    what: "nobody at the address",
    env: { [variable]: `http://127.0.0.1:${port}`, GIVE_UP_AFTER: "500ms" },
    says: /HTTP sink: http:\/\/127[^ ]+ has not taken a request in .* attempts.*ECONNREFUSED/,
  };
}
