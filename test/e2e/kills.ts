import type { Test } from "tap";
import { Job } from "../harness/job.js";
import type { Random } from "../harness/random.js";
import type { Feed } from "./feed.js";

export interface Kills {
  count: number;
  random: Random;
  env: Record<string, string>;
  /** Runs while nothing does, before start number `start`, from 0 on. */
  between?: (start: number) => Promise<void>;
}

/** Kills windows.ts at random moments while its topic fills. */
export async function killAtRandom(t: Test, feed: Feed, { count, random, env, between }: Kills): Promise<void> {
  for (let kill = 0; kill < count; kill++) {
    await between?.(kill);
    const job = start(t, env);
    await feed.progress(job, 1 + random.below(150), { share: 1 / (count + 1) });
    job.signal("SIGKILL");
    await job.exited();
  }
}

/** The same, and lets the last start write what remains. */
export async function survive(t: Test, feed: Feed, kills: Kills): Promise<void> {
  await killAtRandom(t, feed, kills);
  await kills.between?.(kills.count);
  const job = start(t, kills.env);
  await feed.finish();
  await feed.complete(job);
  t.equal((await job.stop()).code, 0, job.log);
}

function start(t: Test, env: Kills["env"]): Job {
  const job = Job.run("windows.ts", { env });
  t.teardown(() => job.signal("SIGKILL"));
  return job;
}
