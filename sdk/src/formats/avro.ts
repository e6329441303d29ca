import { PlanError } from "../errors.js";
import type { Schema } from "../schema/schema.js";
import type { Field, Shape } from "../schema/type.js";
import { type AvroType, recordName, recordOf } from "./avro-schema.js";
import type { AvroConfig, FormatConfig } from "./config.js";
import { nameAfter, registryConfig, type SchemaRegistryOptions, withSubject } from "./registry.js";

/**
 * How Avro records are read or written.
 *
 * ```ts
 * import { type AvroOptions, avro, schema, t } from "millrace";
 * const options: AvroOptions = {
 *   schema: { type: "record", name: "Price", fields: [{ name: "price", type: "long" }] },
 * };
 * const format = avro(options, schema({ price: t.int64() }));
 * ```
 */
export interface AvroOptions {
  /**
   * What records are written with, as JSON. A source without a registry needs it, unless it reads files, which have it
   * inside; a sink makes one from its columns if it is not given.
   */
  readonly schema?: string | AvroType;
  /** Gives columns of a source aliases, and defaults for when the writer's schema does not have them. */
  readonly readerSchema?: string | AvroType;
  /** Records begin with the number of their schema, as Confluent's serializers write them. */
  readonly registry?: SchemaRegistryOptions;
  /** What a sink's record is called, with its namespace, where no schema is given: the topic's name by default. */
  readonly name?: string;
  /** How the blocks of files are compressed: not at all by default. Those that are read say so themselves. */
  readonly codec?: "deflate" | "snappy" | "zstd";
}

/**
 * Avro, one record a message; in files, object containers.
 *
 * ```ts
 * import { type Avro, avro, schema, t } from "millrace";
 * const Price = schema({ price: t.int64() });
 * const format: Avro<typeof Price.shape> = avro({ registry: { url: "http://localhost:8081" } }, Price);
 * ```
 */
export interface Avro<S extends Shape | undefined = undefined> {
  readonly format: "avro";
  readonly schema: S extends Shape ? Schema<S> : undefined;
  readonly config: FormatConfig;
}

/**
 * Avro: with the columns for a source, without for a sink.
 *
 * ```ts
 * import { avro, job, kafka, schema, t } from "millrace";
 * const brokers = "localhost:9092";
 * const registry = { url: "http://localhost:8081" };
 * const Bid = schema({ auction: t.int64(), price: t.int64() });
 * export default job("large-bids", (j) =>
 *   j
 *     .source(kafka({ topic: "bids", brokers, format: avro({ registry }, Bid) }))
 *     .filter((bid) => bid.price.gt(1000))
 *     .to(kafka({ topic: "large-bids", brokers, format: avro({ registry, name: "com.example.LargeBid" }) })),
 * );
 * ```
 */
export function avro(options?: AvroOptions): Avro;
export function avro<S extends Shape>(options: AvroOptions, schema: Schema<S>): Avro<S>;
export function avro(options: AvroOptions = {}, schema?: Schema): unknown {
  const { registry, name, codec = "" } = options;
  const written = text(options.schema, "schema");
  if (schema !== undefined && registry !== undefined && written !== undefined) {
    throw new PlanError("avro: with a registry each record names its own schema; for defaults give a readerSchema");
  }
  const config: AvroConfig = {
    kind: "avro",
    schema: written,
    readerSchema: text(options.readerSchema, "readerSchema"),
    name,
    registry: registry === undefined ? undefined : registryConfig(registry),
    codec,
  };
  return { format: "avro", schema, config };
}

function text(schema: string | AvroType | undefined, what: string): string | undefined {
  if (schema === undefined) return undefined;
  const json = typeof schema === "string" ? schema : JSON.stringify(schema);
  try {
    JSON.parse(json);
  } catch (error) {
    throw new PlanError(`avro: the ${what} is no JSON: ${(error as Error).message}`);
  }
  return json;
}

/** The format of a source of files, which name their schema themselves. */
export function readFromFiles(format: FormatConfig | undefined): FormatConfig | undefined {
  if (format?.kind === "avro" && (format.schema ?? format.registry) !== undefined) {
    throw new PlanError("avro: files have their schema inside: leave out schema and registry");
  }
  return format;
}

/** The format of a sink, with what the rows and the topic say of it. */
export function avroWritten(format: AvroConfig, fields: readonly Field[], topic: string | undefined): AvroConfig {
  const name = format.name ?? nameAfter(topic);
  const schema = format.schema ?? JSON.stringify(recordOf(fields, name));
  return { ...format, schema, registry: withSubject("avro", format.registry, recordName(schema), topic) };
}
