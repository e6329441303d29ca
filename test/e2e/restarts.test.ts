import { mkdtemp, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";

/** A job whose sink's folder cannot be made, as a file stands in its place. */
async function blocked(t: Test, delay: string): Promise<{ job: Job; file: string }> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-restarts-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, "out");
  await writeFile(file, "");
  const job = Job.run("failing.ts", { env: { FAILING: "sink", OUT: file, DELAY: delay } });
  t.teardown(() => job.signal("SIGKILL"));
  return { job, file };
}

t.test("a sink that fails is given its restarts, and then its error ends the job", async (t) => {
  const { job } = await blocked(t, "10ms");

  t.equal((await job.exited()).code, 5, job.log);
  t.match(job.stderr, "restarting in 10 ms (attempt 1 of 2)");
  t.match(job.stderr, "restarting in 20 ms (attempt 2 of 2)");
  t.match(job.stderr, "not restarting: 2 restarts in a row have failed");
});

t.test("a job whose reason to fail has passed runs to its end", async (t) => {
  const { job, file } = await blocked(t, "2s");
  await eventually(() => job.stderr.includes("attempt 1 of 2"), { what: "a restart", detail: () => job.log });
  await unlink(file);

  t.equal((await job.exited()).code, 0, job.log);
  t.match(job.stderr, '"restarts":1');
});

t.test("a stop between two runs ends the job with the error that it waits over", async (t) => {
  const { job } = await blocked(t, "1h");
  await eventually(() => job.stderr.includes("attempt 1 of 2"), { what: "a restart", detail: () => job.log });

  t.equal((await job.stop()).code, 5, job.log);
});

t.test("what would come again is not tried again", async (t) => {
  for (const failing of ["expression", "function"]) {
    const job = Job.run("failing.ts", { env: { FAILING: failing } });
    t.equal((await job.exited()).code, 6, job.log);
    t.notMatch(job.stderr, "restarting");
  }
});
