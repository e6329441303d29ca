import { rm } from "node:fs/promises";
import t, { type Test } from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { HdfsCluster } from "../harness/hdfs.js";
import { Job } from "../harness/job.js";
import { Random } from "../harness/random.js";
import { S3Server } from "../harness/s3.js";
import { trades } from "../harness/trades.js";
import { Feed } from "./feed.js";
import { survive } from "./kills.js";
import { uniqueName } from "./results.js";

const KILLS = 3;
const EVENTS_A_KILL = 6_000;

let kafka: KafkaClient;
let s3: S3Server;
t.before(async () => {
  [kafka, s3] = await Promise.all([sharedBrokers(t).then((brokers) => new KafkaClient(brokers)), S3Server.start()]);
  t.teardown(() => s3.stop());
});

/** Where each storage is, and what a job needs to reach it. */
const STORAGES: Record<string, (t: Test) => Promise<{ location: string; access?: Record<string, string> }>> = {
  async folder(t) {
    return { location: `file:${t.testdir({})}/checkpoints` };
  },
  async s3() {
    return { location: `s3://${s3.bucket}/millrace?endpoint=${s3.url}`, access: S3Server.credentials };
  },
  async hdfs(t) {
    const cluster = await HdfsCluster.start();
    t.teardown(() => cluster.stop());
    return { location: `hdfs://${cluster.address}/millrace` };
  },
};

for (const [index, [name, open]] of Object.entries(STORAGES).entries()) {
  const seed = 81 + index;
  t.test(
    `${name}, seed ${seed}: killed ${KILLS} times, a job gets its state back, also where its disk is lost`,
    async (t) => {
      const { location, access } = await open(t);
      const feed = new Feed(kafka, uniqueName(`storage-${name}`), trades({ seed, count: EVENTS_A_KILL * (KILLS + 1) }));
      await feed.create();
      const state = `${t.testdir({})}/state`;
      const loseDisk = async (start: number) => {
        if (start % 2 === 1) await rm(state, { recursive: true });
      };
      const env = { ...feed.env, ...access, CHECKPOINTS: location, STATE: state };

      await survive(t, feed, { count: KILLS, random: new Random(seed), env, between: loseDisk });

      t.strictSame(await feed.differences(), []);
    },
  );
}

t.test("a bucket that is not there ends the job with the storage's words and exit code 7", async (t) => {
  const location = `s3://nowhere/millrace?endpoint=${s3.url}`;
  const feed = new Feed(kafka, uniqueName("no-bucket"), []);
  await feed.create();
  const env = { ...feed.env, ...S3Server.credentials, CHECKPOINTS: location, STATE: `${t.testdir({})}/state` };

  const job = Job.run("windows.ts", { env });

  t.equal((await job.exited()).code, 7, job.log);
  t.match(job.stderr, `checkpoint storage ${location}: writing incoming/check-`);
  t.match(job.stderr, /: NoSuchBucket: .* Check the address, and that the storage is up\./);
});
