import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Test } from "tap";
import { eventually } from "../harness/eventually.js";
import { Random } from "../harness/random.js";
import type { Wrong } from "./connector.js";
import { rowOf, rowsOf, wideRow } from "./rows.js";
import { type Ends, endOf, failure, highestRss, standstill, Trial } from "./trial.js";

const POLICIES = ["fail", "skip", "deadLetter"] as const;
const SEED = Number(process.env.MILLRACE_TEST_SEED ?? "71");
const KILLS = 3;
const ROWS = 2000;
const KILL_WITHIN_MS = 300;
const WRONG_WITHIN_MS = 90_000;
/** 100 MB, which is more than all queues on the way hold. */
const WIDE_ROWS = 100_000;
const PEAK_BYTES = 512 * 2 ** 20;
const GROWTH_BYTES = 32 * 2 ** 20;
/** How long a job that stands still is looked at, in looks a quarter of a second apart. */
const LOOKS = 12;
/** After so many a job has done what it does at its start. */
const LOOKS_TO_START = 3;

/** A restart goes on where the commit was: after a stop in order each row is there once, whatever the guarantee. */
export async function positions(t: Test, ends: Ends): Promise<void> {
  const trial = await Trial.open(t, ends);
  const { isBounded } = trial;
  await trial.send(isBounded ? 2 * ROWS : ROWS);
  for (const [run, more] of [isBounded ? 0 : ROWS, 0, 0].entries()) {
    const job = trial.start();
    // What is bounded is stopped in the middle, as nothing can be added.
    const some = isBounded && run === 0;
    if (some) {
      await trial.progress(job);
    } else {
      await trial.looks(job, LOOKS_TO_START);
      await trial.seen(job);
    }
    t.equal((await (some ? job.stop() : trial.end(job))).code, 0, job.log);
    t.strictSame(await trial.differences({ once: true, some }), []);
    await trial.send(more);
  }
}

/** What was not committed is read and written again; exactly once nobody sees what was written of it. */
export async function replay(t: Test, ends: Ends): Promise<void> {
  const trial = await Trial.open(t, ends);
  // What ends by itself is not to have ended before it is killed.
  const rows = trial.isBounded ? 10 * ROWS : ROWS;
  await trial.send(rows);
  const killed = trial.start({ INTERVAL: "1m" });
  await trial.progress(killed);
  killed.signal("SIGKILL");
  await killed.exited();
  if (ends.to.connector.sink?.guarantee === "exactly-once") t.strictSame(await trial.sink.rows(), []);
  const job = trial.start();
  await trial.read(job, rows);
  await trial.seen(job);
  t.equal((await trial.end(job)).code, 0, job.log);
  t.equal(trial.last(job)?.events, rows);
  t.strictSame(await trial.differences(), []);
}

export async function kills(t: Test, ends: Ends): Promise<void> {
  t.comment(`MILLRACE_TEST_SEED=${SEED}`);
  const random = new Random(SEED);
  const trial = await Trial.open(t, ends);
  const { isBounded } = trial;
  const more = (rows: number) => trial.send(isBounded ? 0 : rows);
  if (isBounded) await trial.send(ROWS * (KILLS + 1));
  for (let kill = 0; kill < KILLS; kill++) {
    await more(ROWS / 2);
    const job = trial.start();
    await more(ROWS / 2);
    await trial.progress(job);
    // Nothing is waited for: it is the moment of the kill.
    await delay(random.below(KILL_WITHIN_MS));
    job.signal("SIGKILL");
    await job.exited();
  }
  await more(ROWS);
  const job = trial.start();
  await trial.seen(job);
  t.equal((await trial.end(job)).code, 0, job.log);
  t.strictSame(await trial.differences(), []);
}

/** While the sink takes nothing, memory stays bounded and the source is left alone; then all goes on. */
export async function backpressure(t: Test, ends: Ends): Promise<void> {
  const trial = await Trial.open(t, ends, { make: wideRow, guarantee: "at-least-once" });
  await trial.send(trial.isBounded ? WIDE_ROWS : ROWS);
  const job = trial.start();
  await trial.progress(job);
  ends.to.server.pause?.();
  try {
    await trial.send(trial.isBounded ? 0 : WIDE_ROWS - ROWS);
    const taken = await standstill(job, trial);
    const filled = job.rssBytes;
    const later = await highestRss(job, LOOKS);
    const [peakMb, grownMb] = [job.peakRssBytes, later - filled].map((bytes) => Math.round(bytes / 2 ** 20));
    t.comment(`${taken} of ${WIDE_ROWS} rows were taken; peak RSS ${peakMb} MB, of it ${grownMb} MB while it stood`);
    t.ok(taken < WIDE_ROWS, `${taken} rows`);
    t.equal(trial.last(job)?.events, taken, "nothing more is taken");
    t.ok(later - filled < GROWTH_BYTES, `grew from ${filled} to ${later} bytes`);
    t.ok(job.peakRssBytes < PEAK_BYTES, `${job.peakRssBytes} bytes`);
  } finally {
    ends.to.server.resume?.();
  }
  await trial.seen(job);
  t.equal((await trial.end(job)).code, 0, job.log);
  t.strictSame(await trial.differences(), []);
}

/** The server of one end is killed and comes back: rows on their way among it. */
export async function restart(t: Test, ends: Ends): Promise<void> {
  const end = endOf(ends);
  const trial = await Trial.open(t, ends);
  const { isBounded } = trial;
  const more = () => trial.send(isBounded ? 0 : ROWS);
  await trial.send(isBounded ? 4 * ROWS : ROWS);
  const job = trial.start({ RESTARTS: "100" });
  await trial.progress(job);
  if (end !== ends.from) await more();
  await end.server.kill?.();
  if (end !== ends.from) await more();
  await end.server.restart?.();
  await more();
  await trial.seen(job);
  t.equal((await trial.end(job)).code, 0, job.log);
  t.strictSame(await trial.differences(), []);
}

/** The job ends in time, with the exit code of the end that is wrong and an error that names the step and says what to do. */
export async function badConfig(t: Test, ends: Ends): Promise<void> {
  const { side } = ends;
  const trial = await Trial.open(t, ends);
  await trial.send(ROWS);
  const { wrong } = trial[side];
  if (wrong.length === 0) return t.plan(0, "it has nothing that could be wrong");
  // At once: some take their time to give up.
  const check = async ({ what, env, code = side === "source" ? 4 : 5, says }: Wrong) => {
    const job = trial.start({ ...env, STATE: join(trial.folder, randomUUID()), JOB: `wrong-${randomUUID()}` });
    const exit = await job.exited(WRONG_WITHIN_MS);
    const { msg, step } = failure(job);
    t.equal(exit.code, code, `${what}: ${job.log}`);
    t.match(msg, says, what);
    t.ok(step, `${what}: the error names the step: ${msg}`);
  };
  await Promise.all(wrong.map(check));
}

/** A record that cannot be decoded ends the job, is counted, or is kept as it came. */
export async function badRecord(t: Test, ends: Ends): Promise<void> {
  for (const policy of POLICIES) {
    const trial = await Trial.open(t, ends);
    if (trial.source.spoil === undefined) return t.plan(0, "it has no records that could be bad");
    await trial.send(ROWS);
    const bad = await trial.source.spoil();
    await trial.send(ROWS);
    const job = trial.start({ ON_BAD_RECORD: policy });
    if (policy === "fail") {
      t.equal((await job.exited()).code, 3, job.log);
      t.match(failure(job).msg, trial.source.spoilt);
      continue;
    }
    await trial.seen(job);
    t.equal((await trial.end(job)).code, 0, job.log);
    t.equal(trial.last(job)?.bad, 1);
    t.strictSame(await trial.differences(), []);
    if (policy === "skip") continue;
    const letters = await trial.deadLetters();
    t.strictSame(
      letters.map(({ value }) => Buffer.from(String(value), "base64")),
      [bad],
    );
  }
}

/** A row that the server refuses ends the job, is counted, or is kept; the others are taken. */
export async function refusedRow(t: Test, ends: Ends): Promise<void> {
  const { refused } = (await Trial.open(t, ends)).sink;
  if (refused === undefined) return t.plan(0, "it refuses no row that it can be given");
  const { row, says } = refused;
  const make = (id: number) => (id === ROWS / 2 ? { ...row, id } : rowOf(id));
  const missing = [`row ${ROWS / 2} is missing`];
  for (const policy of POLICIES) {
    const trial = await Trial.open(t, ends, { make });
    await trial.send(ROWS);
    const job = trial.start({ ON_REFUSED_ROW: policy });
    if (policy === "fail") {
      t.equal((await job.exited()).code, 3, job.log);
      t.match(failure(job).msg, says);
      continue;
    }
    await trial.seen(job, { count: ROWS - 1 });
    t.equal((await trial.end(job)).code, 0, job.log);
    t.equal(trial.last(job)?.bad, 1);
    t.strictSame(await trial.differences(), missing);
    if (policy === "skip") continue;
    const letters = await trial.deadLetters();
    const kept = letters.map(({ value }) => JSON.parse(Buffer.from(String(value), "base64").toString()));
    t.match(kept, [{ id: ROWS / 2 }]);
  }
}

/** Rows, bytes, errors and lag are told, and equal what was sent. */
export async function metrics(t: Test, ends: Ends): Promise<void> {
  const trial = await Trial.open(t, ends);
  await trial.send(ROWS);
  const job = trial.start();
  await trial.seen(job);
  const hasLag = ends.from.connector.source?.hasLag ?? false;
  if (hasLag) {
    const isCommitted = () => trial.last(job)?.lag === 0 || !job.running;
    await eventually(isCommitted, {
      what: "a lag of 0, once all is committed",
      withinMs: 60_000,
      detail: () => job.log,
    });
  }
  t.equal((await trial.end(job)).code, 0, job.log);
  const done = trial.last(job);
  const [source, sink] = [done?.steps[0], done?.steps.at(-1)];
  t.match(done, { msg: "done", events: ROWS, rowsOut: ROWS, bad: 0 });
  t.match(source, { rowsOut: ROWS, bad: 0 });
  t.match(sink, { rowsIn: ROWS, bad: 0, latency: { rows: ROWS } });
  for (const [step, end] of [
    [source, ends.from.connector.source],
    [sink, ends.to.connector.sink],
  ] as const) {
    const { bytesOf } = end ?? {};
    if (bytesOf === undefined) continue;
    const sent = rowsOf(0, ROWS).reduce((sum, row) => sum + bytesOf(row), 0);
    t.equal(step?.bytes, sent, "bytes");
  }
  for (const driver of done?.drivers ?? []) {
    const values = rowsOf(0, ROWS).reduce((sum, { key, text }) => sum + 8 + key.length + text.length, 0);
    // Two columns have offsets, one more than rows in each call.
    const [least, most] = [values + 8 * ROWS, values + 8 * (ROWS + driver.calls)];
    t.match(driver, { rows: ROWS, retries: 0, errors: 0, inFlight: 0, latency: { count: Number } });
    t.ok(driver.bytes >= least && driver.bytes <= most, `${driver.bytes} bytes are between ${least} and ${most}`);
    t.ok((driver.splitsLeft ?? 0) === 0);
  }
  if (hasLag) t.equal(done?.lag, 0);
  if (done?.endpoints !== undefined) {
    t.equal(
      done.endpoints.reduce((sum, { rows }) => sum + rows, 0),
      ROWS,
    );
    t.ok(done.endpoints.every(({ errors }) => errors === 0));
  }
}
