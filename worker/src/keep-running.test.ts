import { EventEmitter, once } from "node:events";
import { type MillraceError, PlanError, SinkError, StateError } from "millrace";
import t from "tap";
import { type Clock, systemClock } from "./clock.js";
import { keepRunning } from "./keep-running.js";
import type { JobMetrics } from "./native.js";
import type { Attempt } from "./restart.js";
import type { Start } from "./start.js";

const POLICY = { attempts: 3, delay: 1000, maxDelay: 60_000, resetAfter: 600_000 };
const gone = new SinkError("the broker is gone", "kafka(x)");

/** One run of a job: how long it is, how it ends, what it has committed by then. */
interface Act {
  readonly lastsMs?: number;
  readonly error?: MillraceError;
  readonly commits?: number;
  readonly checkpoints?: JobMetrics["checkpoints"];
  /** Ends when it is stopped, as a job without an end does. */
  readonly untilStopped?: boolean;
}

/** A clock that goes on by what is waited for. */
class TestClock implements Clock {
  readonly waits: number[] = [];
  onWait: () => void = () => {};
  #nowMs = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  pass(ms: number): void {
    this.#nowMs += ms;
  }

  async wait(ms: number): Promise<void> {
    this.waits.push(ms);
    this.pass(ms);
    this.onWait();
  }
}

/** Runs a job as `acts` say, each in its turn; one that is an error cannot be started. */
function play(acts: readonly (Act | MillraceError)[], { start = "latest" as Start, policy = POLICY } = {}) {
  const clock = new TestClock();
  const stopping = new AbortController();
  const seen = {
    starts: [] as Start[],
    restarts: [] as Attempt[],
    errors: [] as MillraceError[],
    exhausted: 0,
    stops: 0,
  };
  const begin = (start: Start) => {
    const act = acts[seen.starts.length];
    seen.starts.push(start);
    if (act === undefined) throw new Error("the job was started once more");
    if (act instanceof Error) throw act;
    clock.pass(act.lastsMs ?? 0);
    const stopped = new EventEmitter();
    const stop = () => {
      seen.stops += 1;
      stopped.emit("stop");
    };
    const ended = (act.untilStopped ? once(stopped, "stop") : Promise.resolve()).then(() => act.error);
    const { commits = 0, checkpoints } = act;
    const metrics = () => ({
      operators: [],
      slots: [],
      backpressured: 0,
      busy: 0,
      commits,
      ...(checkpoints && { checkpoints }),
    });
    return { ended, metrics, stop };
  };
  const ended = keepRunning({
    begin,
    start,
    policy,
    stop: stopping.signal,
    clock,
    onRestart: (attempt, error) => {
      seen.restarts.push(attempt);
      seen.errors.push(error);
    },
    onExhausted: () => {
      seen.exhausted += 1;
    },
  });
  return { ended, seen, clock, stop: () => stopping.abort() };
}

t.test("a job that fails is started again after a pause, until it ends", async (t) => {
  const { ended, seen, clock } = play([{ error: gone }, gone, {}]);
  t.equal(await ended, undefined);
  t.strictSame(clock.waits, [1000, 2000]);
  t.strictSame(
    seen.restarts.map(({ number, of }) => [number, of]),
    [
      [1, 3],
      [2, 3],
    ],
  );
  t.strictSame(seen.errors, [gone, gone]);
});

t.test("an error that would come again ends the job at once", async (t) => {
  const wrong = new PlanError("no such column");
  const { ended, seen, clock } = play([wrong]);
  t.equal(await ended, wrong);
  t.strictSame(clock.waits, []);
  t.equal(seen.exhausted, 0);
});

t.test("after the last attempt the error is final", async (t) => {
  const last = new SinkError("still gone", "kafka(x)");
  const { ended, seen, clock } = play([{ error: gone }, { error: gone }, { error: gone }, { error: last }]);
  t.equal(await ended, last);
  t.strictSame(clock.waits, [1000, 2000, 4000]);
  t.equal(seen.exhausted, 1);
});

t.test("a job that was well for long enough has all its attempts again", async (t) => {
  const well = { lastsMs: 600_000, error: gone };
  const { ended, clock } = play([{ error: gone }, { error: gone }, { error: gone }, well, { error: gone }, {}]);
  t.equal(await ended, undefined);
  t.strictSame(clock.waits, [1000, 2000, 4000, 1000, 2000]);
});

t.test("a restart goes on from what the job has committed; before that it begins as it was told to", async (t) => {
  const nothing = { completed: 0, failed: 1 };
  const one = { completed: 1, failed: 0 };
  const unread = new StateError("the storage is not there");
  for (const start of ["fresh", "savepoint:before-upgrade", "latest"] as const) {
    const stored = play([unread, { error: gone, checkpoints: nothing }, { error: gone, checkpoints: one }, {}], {
      start,
    });
    await stored.ended;
    t.strictSame(stored.seen.starts, [start, start, start, "latest"]);
    // A run that comes to no checkpoint of its own has those of the runs before it.
    const again = play([{ error: gone, checkpoints: one }, { error: gone, checkpoints: nothing }, {}], { start });
    await again.ended;
    t.strictSame(again.seen.starts, [start, "latest", "latest"]);
    const positions = play([{ error: gone }, { error: gone, commits: 1 }, {}], { start });
    await positions.ended;
    t.strictSame(positions.seen.starts, [start, start, "latest"]);
  }
});

t.test("a stop drains the run; an error while it drains is final", async (t) => {
  const drained = play([{ untilStopped: true }]);
  drained.stop();
  t.equal(await drained.ended, undefined);
  t.equal(drained.seen.stops, 1);

  const failing = play([{ untilStopped: true, error: gone }]);
  failing.stop();
  t.equal(await failing.ended, gone);
  t.strictSame(failing.clock.waits, []);
});

t.test("a stop between two runs gives the error of the first at once", async (t) => {
  const waiting = play([{ error: gone }]);
  waiting.clock.onWait = waiting.stop;
  t.equal(await waiting.ended, gone);
  t.strictSame(waiting.seen.starts, ["latest"]);
});

t.test("waiting ends early, without an error, when a stop is asked for", async (t) => {
  t.equal(await systemClock.wait(3_600_000, AbortSignal.abort()), undefined);
});
