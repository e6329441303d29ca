import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t, { type Test } from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { Job } from "../harness/job.js";
import { type Lake, namesIn, readIn, s3, timesOf } from "../harness/lake.js";
import { record, type Trade, trades } from "../harness/trades.js";
import { uniqueName } from "./results.js";

const KILLS = 3;
const EVENTS = 6_000;

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

async function local(t: Test): Promise<Lake> {
  const directory = join(t.testdir({}), "lake");
  const names = async () => (await namesIn(directory)).filter((name) => !name.endsWith(".inprogress"));
  return { format: "avro", directory, access: {}, names, read: readIn(directory) };
}

for (const [seed, open] of [
  [93, s3],
  [94, local],
] as const) {
  t.test(
    `${open.name}, seed ${seed}: after ${KILLS} kills each row is in the folder of its values, exactly once`,
    async (t) => {
      const lake = await open(t);
      const input = uniqueName(`lake-${open.name}`);
      await kafka.createTopic(input, 3);
      const events = trades({ seed, count: EVENTS });
      const state = t.testdir({});
      const env = {
        BROKERS: kafka.brokers,
        INPUT: input,
        JOB: input,
        OUTPUT: lake.directory,
        FORMAT: lake.format,
        OPEN_FILES: "3",
        CHECKPOINTS: `file:${state}/checkpoints`,
        STATE: `${state}/state`,
        ...lake.access,
      };
      const start = () => {
        const job = Job.run("lake.ts", { env });
        t.teardown(() => job.signal("SIGKILL"));
        return job;
      };
      const share = Math.ceil(EVENTS / (KILLS + 1));
      for (let kill = 0; kill < KILLS; kill++) {
        const before = (await lake.names()).length;
        const job = start();
        await kafka.produce(input, events.slice(kill * share, (kill + 1) * share).map(record));
        const shown = async () => (await lake.names()).length > before || !job.running;
        await eventually(shown, { what: "a file", detail: () => job.log });
        job.signal("SIGKILL");
        await job.exited();
      }
      const job = start();
      await kafka.produce(input, events.slice(KILLS * share).map(record));
      const all = async () => (await timesOf(t, lake)).length >= EVENTS;
      await eventually(all, { what: "all rows", withinMs: 60_000, detail: () => job.log });
      t.equal((await job.stop()).code, 0, job.log);

      const expected = events.map(({ at }) => at).sort((a, b) => a - b);
      t.strictSame(await timesOf(t, lake), expected);

      const paths = lake.directory.replace(/(\?|$)/, `/*/*/*.${lake.format}$1`);
      const reread = Job.run("lake.ts", { env: { ...env, REREAD: paths } });
      t.equal((await reread.exited()).code, 0, reread.log);
      const rows = reread.stdout
        .trimEnd()
        .split("\n")
        .map((row) => JSON.parse(row) as Trade);
      t.strictSame(
        rows.map(({ at }) => at).sort((a, b) => a - b),
        expected,
      );
      t.equal(
        rows.reduce((sum, { price }) => sum + price, 0),
        events.reduce((sum, { price }) => sum + price, 0),
      );
    },
  );
}

t.test("a damaged file ends the job with its name and what to do", async (t) => {
  const folder = t.testdir({});
  await mkdir(join(folder, "in"));
  const path = join(folder, "in", "a.parquet");
  await writeFile(path, "PAR1 and no more");
  const job = Job.run("lake.ts", { env: { REREAD: path, BROKERS: kafka.brokers } });
  t.equal((await job.exited()).code, 3, job.log);
  t.match(job.stderr, `${path}, offset 0: it is no Parquet file, or is damaged, or was read before it was complete`);
  t.match(job.stderr, "put a whole one in its place");
});
