import { PlanError } from "../errors.js";
import type { Columns } from "../expr/expr.js";
import { configOf, type Format, type SourceFormat } from "../formats/format.js";
import { readFrom } from "../formats/registered.js";
import { KafkaStart } from "../generated/millrace/plan.js";
import type { Shape } from "../schema/type.js";
import type { Condition, OnBadRecord, RecordPart, Sink, Source } from "./connector.js";
import type { Secret, Secrets } from "./secret.js";

/**
 * How to reach a Kafka cluster.
 *
 * ```ts
 * import { env, json, type KafkaConnection, kafka } from "millrace";
 * const cluster: KafkaConnection = {
 *   brokers: ["a:9093", "b:9093"],
 *   tls: true,
 *   sasl: { mechanism: "SCRAM-SHA-512", username: "millrace", password: { file: env("PASSWORD_FILE", "/run/secrets/kafka") } },
 * };
 * const sink = kafka({ ...cluster, topic: "revenue", format: json() });
 * ```
 */
export interface KafkaConnection {
  /** "host:port", several with commas or as a list. */
  readonly brokers: string | readonly string[];
  /** TLS, with the system's certificates or a file of one's own. */
  readonly tls?: boolean | { readonly ca?: string; readonly certificate?: string; readonly key?: string };
  readonly sasl?: {
    readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
    readonly username: string;
    readonly password: Secret;
  };
  /** Any of librdkafka's properties; they go before everything else. Passwords and keys among them are secrets in any case. */
  readonly properties?: Readonly<Record<string, Secret | number | boolean>>;
}

/**
 * What is read from Kafka, from where, and as what.
 *
 * ```ts
 * import { json, type KafkaSourceOptions, kafka, schema, t } from "millrace";
 * const Bid = schema({ price: t.int64() });
 * const options: KafkaSourceOptions<typeof Bid.shape> = {
 *   brokers: "localhost:9092",
 *   pattern: /bids-\w+/,
 *   format: json(Bid),
 *   start: "earliest",
 *   onBadRecord: "skip",
 * };
 * const source = kafka(options);
 * ```
 */
export interface KafkaSourceOptions<S extends Shape> extends KafkaConnection {
  readonly topic?: string;
  readonly topics?: readonly string[];
  /** Topics whose whole name matches. */
  readonly pattern?: RegExp;
  readonly format: SourceFormat<S>;
  /** The consumer group whose positions are read and committed; the job's name by default. */
  readonly group?: string;
  /**
   * Where reading starts. By default where the group left off, and at the earliest record where it never was.
   * Anything else holds for every start of the job.
   */
  readonly start?: "groupOffsets" | "earliest" | "latest" | { readonly timestamp: Date | number };
  /** Ends at what was the latest record when the job started. */
  readonly until?: "latest";
  readonly onBadRecord?: OnBadRecord;
}

/**
 * What is written to Kafka, and by which key.
 *
 * ```ts
 * import { json, type KafkaSinkOptions, kafka, schema, t } from "millrace";
 * const Total = schema({ channel: t.string(), total: t.int64() });
 * const options: KafkaSinkOptions<typeof Total.shape> = {
 *   brokers: "localhost:9092",
 *   topic: "totals",
 *   format: json(),
 *   key: (row) => row.channel,
 *   compression: "zstd",
 * };
 * const sink = kafka(options);
 * ```
 */
export interface KafkaSinkOptions<S extends Shape> extends KafkaConnection {
  readonly topic: string;
  readonly format: Format;
  readonly key?: (row: Columns<S>) => RecordPart;
  readonly headers?: (row: Columns<S>) => Readonly<Record<string, RecordPart>>;
  /** Where it holds the record has no value, which deletes what has its key from a compacted topic. It needs a `key`. */
  readonly tombstone?: (row: Columns<S>) => Condition;
  /** librdkafka's names: "consistent_random", "murmur2_random" (as the Java client), ... */
  readonly partitioner?: string;
  readonly compression?: "none" | "gzip" | "snappy" | "lz4" | "zstd";
}

/**
 * Kafka, as a source (with a schema) or as a sink.
 *
 * ```ts
 * import { job, json, kafka, schema, t } from "millrace";
 * const Order = schema({ id: t.string(), total: t.float64() });
 * export default job("large-orders", (j) =>
 *   j
 *     .source(kafka({ topic: "orders", brokers: "localhost:9092", format: json(Order) }))
 *     .filter((order) => order.total.gt(1000))
 *     .to(kafka({ topic: "large", brokers: "localhost:9092", format: json(), key: (order) => order.id })),
 * );
 * ```
 */
export function kafka<S extends Shape>(options: KafkaSourceOptions<S>): Source<S>;
export function kafka<S extends Shape>(options: KafkaSinkOptions<S>): Sink<S>;
export function kafka(options: KafkaSourceOptions<Shape> | KafkaSinkOptions<Shape>): unknown {
  return options.format.schema === undefined
    ? sink(options as KafkaSinkOptions<Shape>)
    : source(options as KafkaSourceOptions<Shape>);
}

function source(options: KafkaSourceOptions<Shape>): Source<Shape> {
  const topics = options.topic === undefined ? (options.topics ?? []) : [options.topic];
  const name = `kafka(${options.pattern?.source ?? topics.join(", ")})`;
  if ((topics.length === 0) === (options.pattern === undefined)) {
    throw new PlanError("give a topic, topics or a pattern, one of them", name);
  }
  const { start = "groupOffsets" } = options;
  return {
    role: "source",
    name,
    schema: options.format.schema,
    format: readFrom(configOf(options.format).format, topics),
    onBadRecord: options.onBadRecord ?? "fail",
    config: (job) => ({
      kind: "kafka",
      topics,
      pattern: options.pattern?.source,
      start: typeof start === "object" ? KafkaStart.Timestamp : STARTS[start],
      startTimestamp: typeof start === "object" ? Number(start.timestamp) : 0,
      fallback: KafkaStart.Earliest,
      untilLatest: options.until === "latest",
      ...connection(options, job, { "group.id": options.group ?? job }),
    }),
  };
}

const STARTS = {
  groupOffsets: KafkaStart.GroupOffsets,
  earliest: KafkaStart.Earliest,
  latest: KafkaStart.Latest,
} as const;

function sink(options: KafkaSinkOptions<Shape>): Sink<Shape> {
  const { topic, key, headers, tombstone, partitioner, compression } = options;
  if (tombstone !== undefined && key === undefined) {
    throw new PlanError("a tombstone deletes what has its key: give a key", `kafka(${topic})`);
  }
  return {
    role: "sink",
    name: `kafka(${topic})`,
    config: {
      kind: "kafka",
      topic,
      ...connection(options, "millrace", { partitioner, "compression.type": compression }),
    },
    ...configOf(options.format),
    ...(key === undefined ? {} : { key }),
    ...(headers === undefined ? {} : { headers }),
    ...(tombstone === undefined ? {} : { tombstone }),
  };
}

/** librdkafka's properties whose values are nobody's business. */
const SECRET = /password|passphrase|secret|key\.pem$|^sasl\.oauthbearer\.config$/;

/** The properties of a client, those of the step's `own` among them. */
function connection(
  options: KafkaConnection,
  client: string,
  own: Readonly<Record<string, string | undefined>>,
): { readonly properties: Readonly<Record<string, string>>; readonly secrets: Secrets } {
  const { brokers, tls = false, sasl, properties = {} } = options;
  const protocol = `${sasl === undefined ? "" : "sasl_"}${tls === false ? "plaintext" : "ssl"}`;
  const files = typeof tls === "object" ? tls : {};
  const all = {
    ...own,
    "bootstrap.servers": typeof brokers === "string" ? brokers : brokers.join(","),
    "client.id": client,
    "security.protocol": protocol,
    "ssl.ca.location": files.ca,
    "ssl.certificate.location": files.certificate,
    "ssl.key.location": files.key,
    "sasl.mechanism": sasl?.mechanism,
    "sasl.username": sasl?.username,
    "sasl.password": sasl?.password,
    ...properties,
  };
  const shown: Record<string, string> = {};
  const secrets: Record<string, Secret> = {};
  for (const [key, value] of Object.entries(all)) {
    if (value === undefined) continue;
    if (typeof value === "object") secrets[key] = value;
    else if (SECRET.test(key)) secrets[key] = String(value);
    else shown[key] = String(value);
  }
  return { properties: shown, secrets };
}
