import { CassandraServer } from "../../test/harness/cassandra.js";
import { MongoServer } from "../../test/harness/mongodb.js";
import { interleave } from "./interleave.js";
import { measured } from "./measure.js";
import { type Report, type Run, result, rowCosts, whole } from "./report.js";
import { counted, inFolder, runJob } from "./run-job.js";

export interface LookupOptions {
  readonly events: number;
  readonly parallelism: number;
  readonly runs: number;
}

/** Of ten rows one has a key that its slot has not asked for. */
const MISSES = 0.1;

/** Documents that are inserted at once. */
const BATCH = 10_000;

/** What it costs to look up a row for each event, nine of ten in the cache, beside the same without. */
export async function lookup(options: LookupOptions, say: (text: string) => void): Promise<Report> {
  const { events, parallelism } = options;
  // Each slot meets all keys, and asks for each of them once.
  const keys = Math.round((events * MISSES) / parallelism);
  const [mongodb, cassandra] = await Promise.all([MongoServer.start(), CassandraServer.start()]);
  try {
    say(`${whole(keys)} keys`);
    await fillMongo(mongodb, keys);
    await fillCassandra(cassandra, keys);
    const env = { EVENTS: String(events), KEYS: String(keys) };
    const run = (more: Record<string, string>): Promise<Run> =>
      inFolder(async (results) => {
        const figures = await measured(runJob("lookup.ts", parallelism, { ...env, ...more, RESULTS: results }));
        const found = await counted(results);
        if (found !== events) throw new Error(`${more.DRIVER}: ${found} of ${events} rows have come out`);
        return figures;
      });
    const contenders = {
      "without a lookup": () => run({ DRIVER: "none" }),
      "MongoDB's protocol": () => run({ DRIVER: "mongodb", URL: mongodb.url, DATABASE: "bench" }),
      Cassandra: () => run({ DRIVER: "cassandra", CONTACT: cassandra.address, KEYSPACE: cassandra.keyspace }),
    };
    const done = await interleave(contenders, options.runs, say);
    const results = [...done].map(([name, runs]) => result(name, events, runs));
    return { figures: { ...options, keys, results }, ...rowCosts("lookup", results) };
  } finally {
    await Promise.all([mongodb.stop(), cassandra.stop()]);
  }
}

async function fillMongo({ client }: MongoServer, keys: number): Promise<void> {
  const things = client.db("bench").collection<{ _id: bigint; name: string }>("things");
  for (let from = 0; from < keys; from += BATCH) {
    await things.insertMany(batch(from, keys).map((id) => ({ _id: BigInt(id), name: `thing ${id}` })));
  }
}

async function fillCassandra(server: CassandraServer, keys: number): Promise<void> {
  const table = `${server.keyspace}.things`;
  await server.query(`CREATE TABLE ${table} (id bigint PRIMARY KEY, name text)`);
  for (let from = 0; from < keys; from += 100) {
    const rows = batch(from, Math.min(keys, from + 100));
    await Promise.all(rows.map((id) => server.query(`INSERT INTO ${table} (id, name) VALUES (${id}, 'thing ${id}')`)));
  }
}

function batch(from: number, until: number): number[] {
  return Array.from({ length: Math.min(BATCH, until - from) }, (_, index) => from + index);
}
