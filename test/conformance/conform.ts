import type { Test } from "tap";
import * as checks from "./checks.js";
import type { Connector } from "./connector.js";
import type { Started } from "./trial.js";

/** A source and a sink, and which of them is under test. */
interface Ends {
  readonly from: Started;
  readonly to: Started;
  readonly side: "source" | "sink";
}

/**
 * Tests a connector, on its real server, with everything that sources and sinks have to keep. Rows come from files, or go to
 * files; where a sink has to stand still for a source's sake, it is an HTTP server.
 */
export function conform(t: Test, { name, source, sink }: Connector): void {
  const start = servers(t);
  const ends = async (side: Ends["side"], from: string, to: string) => ({
    side,
    from: await start(from),
    to: await start(to),
  });
  if (source !== undefined) {
    const usual = () => ends("source", name, "files");
    suite(t, `${name} source`, usual, () => ends("source", name, "http"));
  }
  if (sink !== undefined) {
    const usual = () => ends("sink", sink.feed ?? "files", name);
    suite(t, `${name} sink`, usual, () => ends("sink", "files", name));
  }
}

/** `stalling`: ends of which the sink can be made to stand still while the source goes on. */
function suite(t: Test, name: string, usual: () => Promise<Ends>, stalling: () => Promise<Ends>): void {
  t.test(`${name}, positions: a restart goes on where the commit was`, async (t) => {
    const { from, to } = await usual();
    await checks.positions(t, from, to);
  });

  t.test(`${name}, replay: what was not committed before a kill comes again`, async (t) => {
    const { from, to } = await usual();
    await checks.replay(t, from, to);
  });

  t.test(`${name}, kills: the guarantee holds over kills at random moments`, async (t) => {
    const { from, to } = await usual();
    await checks.kills(t, from, to);
  });

  t.test(`${name}, backpressure: while the sink stands still so does the source, in bounded memory`, async (t) => {
    const { from, to } = await stalling();
    if (to.server.pause === undefined) return t.plan(0, "its server cannot be made to stand still");
    await checks.backpressure(t, from, to);
  });

  t.test(`${name}, restart: a server that is killed and comes back loses nothing`, async (t) => {
    const { from, to, side } = await usual();
    const end = side === "source" ? from : to;
    if (end.server.kill === undefined) return t.plan(0, "it has no server that could be killed");
    await checks.restart(t, from, to, end);
  });

  t.test(`${name}, bad config: the job ends and says what is wrong and what to do`, async (t) => {
    const { from, to, side } = await usual();
    await checks.badConfig(t, from, to, side);
  });

  t.test(`${name}, bad record: it ends the job, is counted, or is kept`, async (t) => {
    const { from, to, side } = await usual();
    await (side === "source" ? checks.badRecord : checks.refusedRow)(t, from, to);
  });

  t.test(`${name}, metrics: the figures equal what was sent`, async (t) => {
    const { from, to } = await usual();
    await checks.metrics(t, from, to);
  });
}

/** Starts the server of a connector once, when it is first asked for. */
function servers(t: Test): (name: string) => Promise<Started> {
  const started = new Map<string, Promise<Started>>();
  t.teardown(async () => {
    for (const start of started.values()) await (await start).server.stop();
  });
  const start = async (name: string): Promise<Started> => {
    const { default: connector } = (await import(`../connectors/${name}.ts`)) as { default: Connector };
    return { connector, server: await connector.start() };
  };
  return (name) => {
    const known = started.get(name) ?? start(name);
    started.set(name, known);
    return known;
  };
}
