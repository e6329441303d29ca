import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import t, { type Test } from "tap";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import type { LocalServer } from "../harness/local-server.js";

/** Half an hour ago, so that all rows are of one hour. */
export const START = Date.now() - 30 * 60_000;
export const COUNT = 20_000;
/** Rows that the server cannot take. */
export const isPoison = (id: number) => id % 1000 === 7;

export interface SeriesTest<S extends LocalServer> {
  /** As the job calls it. */
  readonly sink: string;
  start(): Promise<S>;
  /** Makes the tables that there have to be. */
  prepare?(server: S): Promise<void>;
  /** The rows that it has, each by its number; one that is there twice is given twice. */
  ids(server: S): Promise<number[]>;
  /** It refuses some of the rows. */
  readonly isPicky: boolean;
}

export function run(t: Test, sink: string, url: string, env: Record<string, string> = {}): Job {
  const all = { SINK: sink, URL: url, START: String(START), COUNT: String(COUNT), ...env };
  const job = Job.run("series.ts", { env: all });
  t.teardown(() => job.signal("SIGKILL"));
  return job;
}

/** What is wrong with the rows that a server has. */
export function wrong(ids: readonly number[], isAbsent: (id: number) => boolean = () => false): string[] {
  const times = new Map<number, number>();
  for (const id of ids) times.set(id, (times.get(id) ?? 0) + 1);
  const lines: string[] = [];
  for (let id = 0; id < COUNT; id++) {
    const [found, expected] = [times.get(id) ?? 0, isAbsent(id) ? 0 : 1];
    if (found !== expected) lines.push(`row ${id} is there ${found} times`);
  }
  return lines.slice(0, 10);
}

/** Dead letters in files, by what each row is. */
export async function letters(folder: string): Promise<{ value: string; reason: string }[]> {
  const lines = [];
  for (const file of await readdir(folder))
    lines.push(...(await readFile(join(folder, file), "utf8")).trim().split("\n"));
  return lines
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { value: string; reason: string })
    .map(({ value, reason }) => ({ value: Buffer.from(value, "base64").toString(), reason }));
}

/** Rows of several types arrive as they are, and those that the server refuses are dead letters. */
export function testSeries<S extends LocalServer>({ sink, start, prepare, ids, isPicky }: SeriesTest<S>): void {
  const absent = isPicky ? isPoison : () => false;
  const fresh = async (t: Test) => {
    const server = await start();
    t.teardown(() => server.stop());
    await prepare?.(server);
    return server;
  };
  const whole = async (t: Test, server: S) => {
    const complete = () => ids(server).then((ids) => ids.length >= COUNT - (isPicky ? COUNT / 1000 : 0) && ids);
    const found = await eventually(complete, { what: "all rows", detail: () => server.log });
    t.strictSame(wrong(found, absent), []);
  };

  t.test(`${sink}: rows arrive, and those that are refused are dead letters, each by itself`, async (t) => {
    const server = await fresh(t);
    const dead = join(t.testdir({}), "dead");
    const job = run(t, sink, server.url, isPicky ? { DEAD: dead } : {});
    t.equal((await job.exited()).code, 0, job.log);
    await whole(t, server);
    if (isPicky) t.equal((await letters(dead)).length, COUNT / 1000);
  });
}
