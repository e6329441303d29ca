import { gunzipSync } from "node:zlib";
import t, { type Test } from "tap";
import { sharedBrokers } from "../harness/broker.js";
import { KafkaClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { HdfsCluster } from "../harness/hdfs.js";
import { Job } from "../harness/job.js";
import { S3Server } from "../harness/s3.js";
import { record, type Trade, trades } from "../harness/trades.js";
import { uniqueName } from "./results.js";

const KILLS = 3;
const EVENTS = 8_000;

/** A storage as a client sees it that shares no code with Millrace. */
interface Place {
  readonly directory: string;
  readonly access: Record<string, string>;
  /** Names of the files in the directory, not of those in folders below. */
  names(): Promise<string[]>;
  read(name: string): Promise<Buffer>;
}

let kafka: KafkaClient;
t.before(async () => {
  kafka = new KafkaClient(await sharedBrokers(t));
});

async function s3(t: Test): Promise<Place> {
  const server = await S3Server.start();
  t.teardown(() => server.stop());
  const bucket = `${server.endpoint}/${server.bucket}`;
  return {
    directory: `s3://${server.bucket}/trades?endpoint=${server.endpoint}`,
    access: S3Server.credentials,
    async names() {
      const listed = await (await fetch(`${bucket}?list-type=2&prefix=trades/&delimiter=/`)).text();
      return [...listed.matchAll(/<Key>trades\/([^<]+)<\/Key>/g)].map(([, name]) => name as string);
    },
    read: async (name) => Buffer.from(await (await fetch(`${bucket}/trades/${name}`)).arrayBuffer()),
  };
}

async function hdfs(t: Test): Promise<Place> {
  const cluster = await HdfsCluster.start();
  t.teardown(() => cluster.stop());
  const web = `http://${cluster.address}/webhdfs/v1/trades`;
  return {
    directory: `hdfs://${cluster.address}/trades`,
    access: {},
    async names() {
      const answer = await fetch(`${web}?op=LISTSTATUS&user.name=root`);
      if (answer.status === 404) return [];
      const { FileStatuses } = (await answer.json()) as {
        FileStatuses: { FileStatus: { pathSuffix: string; type: string }[] };
      };
      return FileStatuses.FileStatus.filter(({ type }) => type === "FILE").map(({ pathSuffix }) => pathSuffix);
    },
    read: async (name) => Buffer.from(await (await fetch(`${web}/${name}?op=OPEN&user.name=root`)).arrayBuffer()),
  };
}

async function timesOf(place: Place): Promise<number[]> {
  const files = await Promise.all((await place.names()).map((name) => place.read(name)));
  const lines = files.flatMap((file) => gunzipSync(file).toString().trimEnd().split("\n"));
  return lines.map((line) => (JSON.parse(line) as Trade).at).sort((a, b) => a - b);
}

for (const [seed, open] of [
  [91, s3],
  [92, hdfs],
] as const) {
  t.test(`${open.name}, seed ${seed}: after ${KILLS} kills each row is in one file, exactly once`, async (t) => {
    const place = await open(t);
    const input = uniqueName(`objects-${open.name}`);
    await kafka.createTopic(input, 3);
    const events = trades({ seed, count: EVENTS });
    const state = t.testdir({});
    const env = {
      BROKERS: kafka.brokers,
      INPUT: input,
      JOB: input,
      OUTPUT: place.directory,
      CHECKPOINTS: `file:${state}/checkpoints`,
      STATE: `${state}/state`,
      ...place.access,
    };
    const start = () => {
      const job = Job.run("objects.ts", { env });
      t.teardown(() => job.signal("SIGKILL"));
      return job;
    };
    const share = Math.ceil(EVENTS / (KILLS + 1));
    for (let kill = 0; kill < KILLS; kill++) {
      const before = (await place.names()).length;
      const job = start();
      await kafka.produce(input, events.slice(kill * share, (kill + 1) * share).map(record));
      const shown = async () => (await place.names()).length > before || !job.running;
      await eventually(shown, { what: "a file", detail: () => job.log });
      job.signal("SIGKILL");
      await job.exited();
    }
    const job = start();
    await kafka.produce(input, events.slice(KILLS * share).map(record));
    const all = async () => (await timesOf(place)).length >= EVENTS;
    await eventually(all, { what: "all rows", withinMs: 60_000, detail: () => job.log });
    t.equal((await job.stop()).code, 0, job.log);

    const expected = events.map(({ at }) => at).sort((a, b) => a - b);
    t.strictSame(await timesOf(place), expected);

    const files = place.directory.replace(/(\?|$)/, "/*.jsonl.gz$1");
    const reread = Job.run("objects.ts", { env: { REREAD: files, BROKERS: kafka.brokers, ...place.access } });
    t.equal((await reread.exited()).code, 0, reread.log);
    const rows = reread.stdout.trimEnd().split("\n");
    t.strictSame(
      rows.map((row) => (JSON.parse(row) as Trade).at).sort((a, b) => a - b),
      expected,
    );
  });
}

t.test("a bucket that is not there ends the job with the storage's words", async (t) => {
  const place = await s3(t);
  const input = uniqueName("objects-nowhere");
  await kafka.createTopic(input, 1);
  const directory = place.directory.replace(/:\/\/[^/]+/, "://nowhere");
  const env = { BROKERS: kafka.brokers, INPUT: input, JOB: input, OUTPUT: directory, ...place.access };

  const job = Job.run("objects.ts", { env });

  t.equal((await job.exited()).code, 5, job.log);
  t.match(job.stderr, `file sink: ${directory}: NoSuchBucket: The specified bucket does not exist.`);
});
