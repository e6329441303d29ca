import { PlanError } from "../errors.js";
import type { Columns, Typed } from "../expr/expr.js";
import type { FormatConfig } from "../formats/config.js";
import type { BadRecordPolicy, SinkConfig, SourceConfig } from "../plan/node.js";
import type { Schema } from "../schema/schema.js";
import type { AnyType, Bool, Bytes, Field, Null, Shape, Text } from "../schema/type.js";

/**
 * Where a stream comes from. Made by `kafka`, `files` or `generator`; it does nothing until a job runs.
 *
 * ```ts
 * import { json, kafka, type Source, schema, t } from "millrace";
 * const Price = schema({ price: t.int64() });
 * const source: Source<typeof Price.shape> = kafka({ topic: "prices", brokers: "localhost:9092", format: json(Price) });
 * ```
 */
export interface Source<S extends Shape> {
  readonly role: "source";
  /** As `explain` and errors call it. */
  readonly name: string;
  readonly schema: Schema<S>;
  readonly onBadRecord: BadRecordPolicy;
  /** JSON without it. */
  readonly format?: FormatConfig | undefined;
  /** What the job's name adds to it. */
  config(job: string): SourceConfig;
}

/** The key or a header of a record. */
export type RecordPart = Typed<Text | Bytes | Null>;

/** Whether something holds; null does not. */
export type Condition = Typed<Bool | Null>;

/**
 * Where a stream goes to. Made by `kafka`, `http`, `files`, `stdout` or `table`, among others.
 *
 * ```ts
 * import { json, kafka, type Sink, stdout } from "millrace";
 * const sink: Sink = process.stdout.isTTY
 *   ? stdout({ format: json() })
 *   : kafka({ topic: "prices", brokers: "localhost:9092", format: json() });
 * ```
 */
export interface Sink<S extends Shape = Shape> {
  readonly role: "sink";
  readonly name: string;
  readonly config: SinkConfig;
  /** What becomes of rows that the other side refuses, where the sink is told. */
  readonly onBadRecord?: BadRecordPolicy;
  /** JSON without it. */
  readonly format?: FormatConfig | undefined;
  /** @throws PlanError when these are no columns for it */
  check?(fields: readonly Field[]): void;
  readonly key?: (row: Columns<S>) => RecordPart;
  readonly headers?: (row: Columns<S>) => Readonly<Record<string, RecordPart>>;
  /** What the folders of files are called by. */
  readonly partitionBy?: (row: Columns<S>) => Readonly<Record<string, Typed<AnyType>>>;
  readonly tombstone?: (row: Columns<S>) => Condition;
}

/**
 * JSON, one object a record.
 *
 * ```ts
 * import { type Json, json, schema, t } from "millrace";
 * const Price = schema({ price: t.int64() });
 * const format: Json<typeof Price.shape> = json(Price);
 * ```
 */
export interface Json<S extends Shape | undefined = undefined> {
  readonly format: "json";
  readonly schema: S extends Shape ? Schema<S> : undefined;
}

/**
 * JSON: with a schema for a source, without for a sink.
 *
 * ```ts
 * import { files, json, schema, stdout, t } from "millrace";
 * const Reading = schema({ sensor: t.string(), value: t.float64() });
 * const source = files({ paths: "readings/*.jsonl.gz", format: json(Reading) });
 * const sink = stdout({ format: json() });
 * ```
 */
export function json(): Json;
export function json<S extends Shape>(schema: Schema<S>): Json<S>;
export function json(schema?: Schema): unknown {
  return { format: "json", schema };
}

/**
 * What becomes of a record that cannot be decoded: the job fails (the default), it is skipped and counted, or kept.
 *
 * ```ts
 * import { env, type OnBadRecord } from "millrace";
 * const onBadRecord: OnBadRecord = env("STRICT", "no") === "yes" ? "fail" : "skip";
 * ```
 */
export type OnBadRecord = "fail" | "skip" | DeadLetter;

/**
 * Where bad records are kept. Made by `deadLetter`.
 *
 * ```ts
 * import { type DeadLetter, deadLetter, files, json } from "millrace";
 * const bad: DeadLetter = deadLetter(files({ directory: "bad", format: json() }));
 * ```
 */
export interface DeadLetter {
  readonly deadLetter: SinkConfig;
  readonly format?: FormatConfig | undefined;
}

/**
 * Sends bad records to a sink of their own. To Kafka goes the record as it came, with the reason and its position in
 * headers; elsewhere a JSON object (or a line of CSV) with all of it.
 *
 * ```ts
 * import { deadLetter, files, json, kafka, schema, t } from "millrace";
 * const source = kafka({
 *   topic: "bids",
 *   brokers: "localhost:9092",
 *   format: json(schema({ price: t.int64() })),
 *   onBadRecord: deadLetter(files({ directory: "bad", format: json() })),
 * });
 * ```
 */
export function deadLetter(sink: Sink): DeadLetter {
  if (sink.partitionBy !== undefined)
    throw new PlanError("bad records go to one folder: leave out partitionBy", sink.name);
  return { deadLetter: sink.config, format: sink.format };
}
