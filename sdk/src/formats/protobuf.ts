import { PlanError } from "../errors.js";
import type { Schema } from "../schema/schema.js";
import type { Field, Shape } from "../schema/type.js";
import type { FormatConfig, ProtobufConfig } from "./config.js";
import { firstMessage, protoOf } from "./proto-text.js";
import { nameAfter, registryConfig, type SchemaRegistryOptions, withSubject } from "./registry.js";

/**
 * How Protobuf records are read or written.
 *
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { type ProtobufOptions, protobuf, schema, t } from "millrace";
 * const options: ProtobufOptions = {
 *   proto: readFileSync("bids.proto", "utf8"),
 *   imports: { "shared/money.proto": readFileSync("shared/money.proto", "utf8") },
 *   message: "com.example.Bid",
 * };
 * const format = protobuf(options, schema({ auction: t.int64() }));
 * ```
 */
export interface ProtobufOptions {
  /**
   * The text of a .proto file. A source without a registry needs it, or a `descriptorSet`; with a registry its columns are then
   * found by the numbers that they have there. A sink makes one from its columns if it is not given.
   */
  readonly proto?: string;
  /** The texts of files that it imports, by the names that it imports them by. Google's own are known. */
  readonly imports?: Readonly<Record<string, string>>;
  /** What `protoc --include_imports --descriptor_set_out` has written, in the place of a text. */
  readonly descriptorSet?: Uint8Array;
  /** The full name of the message: the first of the file by default. What a sink's is called that is made from columns. */
  readonly message?: string;
  /** Records begin with the number of their schema, as Confluent's serializers write them. */
  readonly registry?: SchemaRegistryOptions;
}

/**
 * Protobuf, one message a record.
 *
 * ```ts
 * import { type Protobuf, protobuf, schema, t } from "millrace";
 * const Price = schema({ price: t.int64() });
 * const format: Protobuf<typeof Price.shape> = protobuf({ registry: { url: "http://localhost:8081" } }, Price);
 * ```
 */
export interface Protobuf<S extends Shape | undefined = undefined> {
  readonly format: "protobuf";
  readonly schema: S extends Shape ? Schema<S> : undefined;
  readonly config: FormatConfig;
}

/**
 * Protobuf: with the columns for a source, without for a sink.
 *
 * ```ts
 * import { job, kafka, protobuf, schema, t } from "millrace";
 * const brokers = "localhost:9092";
 * const proto = 'syntax = "proto3"; message Bid { int64 auction = 1; int64 price = 2; optional string note = 3; }';
 * const Bid = schema({ auction: t.int64(), price: t.int64() });
 * export default job("large-bids", (j) =>
 *   j
 *     .source(kafka({ topic: "bids", brokers, format: protobuf({ proto }, Bid) }))
 *     .filter((bid) => bid.price.gt(1000))
 *     .to(kafka({ topic: "large-bids", brokers, format: protobuf({ message: "com.example.LargeBid" }) })),
 * );
 * ```
 */
export function protobuf(options?: ProtobufOptions): Protobuf;
export function protobuf<S extends Shape>(options: ProtobufOptions, schema: Schema<S>): Protobuf<S>;
export function protobuf(options: ProtobufOptions = {}, schema?: Schema): unknown {
  const { proto, imports = {}, descriptorSet, message, registry } = options;
  if (proto !== undefined && descriptorSet !== undefined) {
    throw new PlanError("protobuf: give the text of the .proto or a descriptorSet, one of them");
  }
  if (proto === undefined && descriptorSet === undefined && schema !== undefined && registry === undefined) {
    throw new PlanError("protobuf: give the proto that records are written with, or the registry that has it");
  }
  if (descriptorSet !== undefined && schema === undefined && registry !== undefined) {
    throw new PlanError("protobuf: a registry takes the text of a .proto, and no descriptorSet");
  }
  const config: ProtobufConfig = {
    kind: "protobuf",
    proto,
    imports,
    descriptors: descriptorSet,
    message,
    registry: registry === undefined ? undefined : registryConfig(registry),
  };
  return { format: "protobuf", schema, config };
}

/** The format of a sink, with what the rows and the topic say of it. */
export function protobufWritten(
  format: ProtobufConfig,
  fields: readonly Field[],
  topic: string | undefined,
): ProtobufConfig {
  if (format.descriptors !== undefined) return format;
  const name = format.message ?? nameAfter(topic);
  const proto = format.proto ?? protoOf(fields, name);
  const message = format.message ?? firstMessage(proto);
  return { ...format, proto, message, registry: withSubject("protobuf", format.registry, message, topic) };
}
