import type { Test } from "tap";
import * as checks from "./checks.js";
import type { Connector } from "./connector.js";
import { type Ends, endOf, type Started } from "./trial.js";

/**
 * Tests a connector, on its real server, with everything that sources and sinks have to keep. Rows come from files, or go to
 * files; where a sink has to stand still for a source's sake, it is an HTTP server.
 */
export function conform(t: Test, { name, source, sink }: Connector): void {
  t.jobs = 2;
  const start = servers(t);
  const ends = async (side: Ends["side"], from: string, to: string) => ({
    side,
    from: await start(from),
    to: await start(to),
  });
  const suites: Suite[] = [];
  if (source !== undefined) {
    suites.push({
      name: `${name} source`,
      usual: () => ends("source", name, "files"),
      stalling: () => ends("source", name, "http"),
    });
  }
  if (sink !== undefined) {
    suites.push({
      name: `${name} sink`,
      usual: () => ends("sink", sink.feed ?? "files", name),
      stalling: () => ends("sink", "files", name),
    });
  }
  for (const suite of suites) alongside(t, suite);
  for (const suite of suites) alone(t, suite);
}

interface Suite {
  readonly name: string;
  readonly usual: () => Promise<Ends>;
  /** Ends of which the sink can be made to stand still while the source goes on. */
  readonly stalling: () => Promise<Ends>;
}

/** The checks that leave the server alone: one goes on beside another. */
function alongside(t: Test, { name, usual }: Suite): void {
  const check = (what: string, run: (t: Test, ends: Ends) => Promise<void>) =>
    t.test(`${name}, ${what}`, { buffered: true }, async (t) => run(t, await usual()));

  check("positions: a restart goes on where the commit was", checks.positions);
  check("replay: what was not committed before a kill comes again", async (t, ends) =>
    ends.from.connector.source?.isShort === true
      ? t.plan(0, "it ends before it could be killed in the middle")
      : checks.replay(t, ends),
  );
  check("kills: the guarantee holds over kills at random moments", checks.kills);
  check("bad config: the job ends and says what is wrong and what to do", checks.badConfig);
  check("bad record: it ends the job, is counted, or is kept", async (t, ends) =>
    ends.side === "source" ? checks.badRecord(t, ends) : checks.refusedRow(t, ends),
  );
  check("metrics: the figures equal what was sent", checks.metrics);
}

/** The checks that make the server stand still, or kill it: nothing goes on beside them, nor beside what comes after them. */
function alone(all: Test, { name, usual, stalling }: Suite): void {
  const check = (what: string, ends: () => Promise<Ends>, run: (t: Test, ends: Ends) => Promise<void>) =>
    all.test(`${name}, ${what}`, { buffered: false }, async (t) => {
      all.jobs = 1;
      await run(t, await ends());
    });

  check(
    "backpressure: while the sink stands still so does the source, in bounded memory",
    stalling,
    async (t, ends) => {
      if (ends.to.server.pause === undefined) return t.plan(0, "its server cannot be made to stand still");
      if (ends.from.connector.source?.halts === true) return t.plan(0, "it stands still by itself, too");
      await checks.backpressure(t, ends);
    },
  );
  check("restart: a server that is killed and comes back loses nothing", usual, async (t, ends) => {
    if (endOf(ends).server.kill === undefined) return t.plan(0, "it has no server that could be killed");
    await checks.restart(t, ends);
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
