import { type Duration, milliseconds } from "../duration.js";
import { PlanError } from "../errors.js";
import type { Schema } from "../schema/schema.js";
import type { Shape } from "../schema/type.js";
import type { OnBadRecord, Sink, Source } from "./connector.js";
import { type DriverBatch, driverSink, type LookupCache, type LookupTable, lookupConfig } from "./driver.js";
import type { Secret } from "./secret.js";

/**
 * How many replicas have to answer, as CQL names it.
 *
 * ```ts
 * import { type CassandraConsistency, env } from "millrace";
 * const consistency: CassandraConsistency = env("REGIONS", "1") === "1" ? "LOCAL_QUORUM" : "EACH_QUORUM";
 * ```
 */
export type CassandraConsistency =
  | "ANY"
  | "ONE"
  | "TWO"
  | "THREE"
  | "QUORUM"
  | "ALL"
  | "LOCAL_ONE"
  | "LOCAL_QUORUM"
  | "EACH_QUORUM"
  | "SERIAL"
  | "LOCAL_SERIAL";

/**
 * A table of Cassandra or ScyllaDB, and how it is reached. Names are as they are, upper and lower case included.
 *
 * ```ts
 * import { type CassandraConnection, cassandra, env } from "millrace";
 * const orders: CassandraConnection = {
 *   contactPoints: ["10.0.0.1", "10.0.0.2:9042"],
 *   localDataCenter: "eu-central",
 *   keyspace: "shop",
 *   table: "orders",
 *   auth: { username: "millrace", password: { file: env("PASSWORD_FILE", "/run/secrets/cassandra") } },
 *   tls: { ca: "ca.pem" },
 * };
 * const sink = cassandra(orders);
 * ```
 */
export interface CassandraConnection {
  /** "host" or "host:port" (9042) of nodes that tell about all others, which have the port of the first one here. */
  readonly contactPoints: string | readonly string[];
  /** Requests go to nodes of this one. */
  readonly localDataCenter: string;
  readonly keyspace: string;
  readonly table: string;
  /** A password that is a file is read again for each new connection. */
  readonly auth?: { readonly username: string; readonly password: Secret };
  /** TLS, with the system's certificates or PEM files of one's own. */
  readonly tls?: boolean | { readonly ca?: string; readonly certificate?: string; readonly key?: string };
  /** LOCAL_QUORUM by default. */
  readonly consistency?: CassandraConsistency;
  /** For an answer (12s). */
  readonly timeout?: Duration;
  /** Asks a further node when there is no answer after `delay`, up to `executions` (1) of them. */
  readonly speculative?: { readonly delay: Duration; readonly executions?: number };
  /** Requests that are on their way at once: 64 by default, of a source 8. */
  readonly concurrency?: number;
}

/**
 * How rows are written.
 *
 * ```ts
 * import { type CassandraSinkOptions, cassandra } from "millrace";
 * const options: CassandraSinkOptions = {
 *   contactPoints: "localhost",
 *   localDataCenter: "datacenter1",
 *   keyspace: "shop",
 *   table: "totals",
 *   ttl: "30d",
 *   timestamp: "revision",
 *   onBadRecord: "skip",
 * };
 * const sink = cassandra(options);
 * ```
 */
export interface CassandraSinkOptions extends CassandraConnection {
  readonly schema?: undefined;
  /** After so long a row is gone. */
  readonly ttl?: Duration;
  /**
   * The column, a timestamp or microseconds as int64, that decides which row of a primary key is the newest, in whatever order they
   * come. It is written as well where the table has it. Without it that is the row which comes last.
   */
  readonly timestamp?: string;
  /** A null leaves what is there, rather than deleting it. */
  readonly ignoreNulls?: boolean;
  /** The first row of a primary key stays (IF NOT EXISTS): each is a transaction of its own. */
  readonly ifNotExists?: boolean;
  /** Of such transactions: SERIAL by default. */
  readonly serialConsistency?: "SERIAL" | "LOCAL_SERIAL";
  readonly batch?: DriverBatch;
  /** What becomes of rows that the server refuses: the job fails (the default), they are skipped and counted, or kept. */
  readonly onBadRecord?: OnBadRecord;
}

/**
 * Which columns are read, and how.
 *
 * ```ts
 * import { type CassandraSourceOptions, cassandra, schema, t } from "millrace";
 * const Order = schema({ id: t.string(), total: t.decimal(12, 2), placed: t.timestamp("ms") });
 * const options: CassandraSourceOptions<typeof Order.shape> = {
 *   contactPoints: "localhost",
 *   localDataCenter: "datacenter1",
 *   keyspace: "shop",
 *   table: "orders",
 *   schema: Order,
 *   splits: 256,
 *   cache: { rows: 1_000_000, ttl: "10m" },
 * };
 * const orders = cassandra(options);
 * ```
 */
export interface CassandraSourceOptions<S extends Shape> extends CassandraConnection {
  readonly schema: Schema<S>;
  /** Parts of equal size of the token ring that are read beside each other: 64 by default. */
  readonly splits?: number;
  /** Rows that are fetched at once from each of them: 1000 by default. */
  readonly pageRows?: number;
  /** What lookup joins keep. */
  readonly cache?: LookupCache;
  readonly onBadRecord?: OnBadRecord;
}

/**
 * A table of Cassandra or ScyllaDB that is read, whole, as a source, or looked up in with `.lookupJoin(...)`.
 *
 * ```ts
 * import { type CassandraTable, cassandra, schema, t } from "millrace";
 * const Person = schema({ id: t.int64(), name: t.string() });
 * const persons: CassandraTable<typeof Person.shape> = cassandra({
 *   contactPoints: "localhost",
 *   localDataCenter: "datacenter1",
 *   keyspace: "shop",
 *   table: "persons",
 *   schema: Person,
 * });
 * ```
 */
export interface CassandraTable<S extends Shape> extends Source<S>, LookupTable<S> {}

/**
 * A table of Cassandra or ScyllaDB. With a schema it is a source, which ends when the table has been read, and a table for
 * `.lookupJoin(...)`; without one it is a sink, which writes each row by its primary key. Needs `npm install cassandra-driver`.
 *
 * ```ts
 * import { cassandra, generator, job, schema, t } from "millrace";
 * const Person = schema({ id: t.int64(), name: t.string() });
 * const shop = { contactPoints: "localhost", localDataCenter: "datacenter1", keyspace: "shop" };
 * export default job("bids-with-names", (j) =>
 *   j
 *     .source(generator.bids())
 *     .lookupJoin(
 *       cassandra({ ...shop, table: "persons", schema: Person, cache: { ttl: "1h" } }),
 *       (bid) => ({ id: bid.bidder }),
 *       (bid, person) => ({ auction: bid.auction, price: bid.price, name: person.name }),
 *     )
 *     .to(cassandra({ ...shop, table: "bids" })),
 * );
 * ```
 */
export function cassandra<S extends Shape>(options: CassandraSourceOptions<S>): CassandraTable<S>;
export function cassandra(options: CassandraSinkOptions): Sink;
export function cassandra(options: CassandraSourceOptions<Shape> | CassandraSinkOptions): unknown {
  const name = `cassandra(${options.keyspace}.${options.table})`;
  return options.schema === undefined ? sink(name, options) : table(name, options);
}

const DRIVER = "cassandra";

function sink(name: string, options: CassandraSinkOptions): Sink {
  const { ttl, timestamp, ignoreNulls = false, ifNotExists = false, serialConsistency, speculative } = options;
  const seconds = ttl === undefined ? 0 : Math.ceil(milliseconds(ttl, "ttl") / 1000);
  if (ttl !== undefined && (seconds < 1 || seconds > TTL_LIMIT))
    throw new PlanError(`ttl is ${ttl}: give one from "1s" to "${TTL_LIMIT / 86_400}d"`, name);
  if (ifNotExists && (timestamp !== undefined || speculative !== undefined))
    throw new PlanError("ifNotExists makes transactions, which take no timestamp and no speculative executions", name);
  if (!ifNotExists && serialConsistency !== undefined)
    throw new PlanError(
      "serialConsistency is for rows that are written with ifNotExists: set it, or leave it out",
      name,
    );
  const settings = { ttl: seconds, timestamp, ignoreNulls, ifNotExists, serialConsistency };
  // Which row of a key is the first is decided by their order; which is the last, by timestamps.
  const batches = ifNotExists ? 1 : 2;
  return {
    role: "sink",
    name,
    config: driverSink(DRIVER, { ...connection(name, options, 64), ...settings }, options.batch, batches),
    onBadRecord: options.onBadRecord ?? "fail",
  };
}

/** Twenty years, in seconds. */
const TTL_LIMIT = 630_720_000;

function table(name: string, options: CassandraSourceOptions<Shape>): CassandraTable<Shape> {
  const splits = atLeastOne(name, options.splits ?? 64, "splits");
  const pageRows = atLeastOne(name, options.pageRows ?? 1000, "pageRows");
  return {
    role: "source",
    name,
    schema: options.schema,
    onBadRecord: options.onBadRecord ?? "fail",
    config: () => ({ kind: "driver", driver: DRIVER, options: { ...connection(name, options, 8), splits, pageRows } }),
    lookup: lookupConfig(DRIVER, connection(name, options, 64), options.cache),
  };
}

function connection(name: string, options: CassandraConnection, concurrency: number) {
  const { contactPoints, localDataCenter, keyspace, table, auth, tls = false, speculative } = options;
  const points = typeof contactPoints === "string" ? contactPoints.split(",") : (contactPoints ?? []);
  if (points.length === 0 || points.some((point) => point.trim() === ""))
    throw new PlanError(
      'contactPoints name nodes of the cluster: "10.0.0.1", ["10.0.0.1:9042", "10.0.0.2:9042"]',
      name,
    );
  for (const [what, value] of Object.entries({ localDataCenter, keyspace, table }))
    if (typeof value !== "string" || value === "") throw new PlanError(`${what} is missing: give its name`, name);
  return {
    contactPoints: points.map((point) => point.trim()),
    localDataCenter,
    keyspace,
    table,
    auth,
    tls,
    consistency: options.consistency ?? "LOCAL_QUORUM",
    timeout: milliseconds(options.timeout ?? "12s", "timeout"),
    speculative: speculative && {
      delay: milliseconds(speculative.delay, "speculative.delay"),
      executions: atLeastOne(name, speculative.executions ?? 1, "speculative.executions"),
    },
    concurrency: atLeastOne(name, options.concurrency ?? concurrency, "concurrency"),
  };
}

function atLeastOne(name: string, value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new PlanError(`${what} is ${value}: give a whole number from 1 on`, name);
}
