import type { Schema } from "../schema/schema.js";
import type { DataType, Field, Shape } from "../schema/type.js";
import type { FormatConfig, JsonSchemaConfig } from "./config.js";
import { nameAfter, registryConfig, type SchemaRegistryOptions, withSubject } from "./registry.js";

/**
 * How JSON records are read or written that name a JSON Schema.
 *
 * ```ts
 * import { type JsonSchemaOptions, jsonSchema } from "millrace";
 * const options: JsonSchemaOptions = { registry: { url: "http://localhost:8081" }, name: "Price" };
 * const format = jsonSchema(options);
 * ```
 */
export interface JsonSchemaOptions {
  /** Records begin with the number of their schema, as Confluent's serializers write them. */
  readonly registry: SchemaRegistryOptions;
  /** What a sink registers; it makes one from its columns if it is not given. */
  readonly schema?: string | Readonly<Record<string, unknown>>;
  /** The title of a sink's schema that is made from columns: the topic's name by default. */
  readonly name?: string;
}

/**
 * JSON, one object a record, behind the number of its schema.
 *
 * ```ts
 * import { type JsonSchema, jsonSchema, schema, t } from "millrace";
 * const Price = schema({ price: t.int64() });
 * const format: JsonSchema<typeof Price.shape> = jsonSchema({ registry: { url: "http://localhost:8081" } }, Price);
 * ```
 */
export interface JsonSchema<S extends Shape | undefined = undefined> {
  readonly format: "jsonSchema";
  readonly schema: S extends Shape ? Schema<S> : undefined;
  readonly config: FormatConfig;
}

/**
 * JSON of a schema registry: with the columns for a source, without for a sink.
 *
 * ```ts
 * import { job, jsonSchema, kafka, schema, t } from "millrace";
 * const brokers = "localhost:9092";
 * const registry = { url: "http://localhost:8081" };
 * const Bid = schema({ auction: t.int64(), price: t.int64() });
 * export default job("large-bids", (j) =>
 *   j
 *     .source(kafka({ topic: "bids", brokers, format: jsonSchema({ registry }, Bid) }))
 *     .filter((bid) => bid.price.gt(1000))
 *     .to(kafka({ topic: "large-bids", brokers, format: jsonSchema({ registry }) })),
 * );
 * ```
 */
export function jsonSchema(options: JsonSchemaOptions): JsonSchema;
export function jsonSchema<S extends Shape>(options: JsonSchemaOptions, schema: Schema<S>): JsonSchema<S>;
export function jsonSchema({ registry, schema: written, name }: JsonSchemaOptions, schema?: Schema): unknown {
  const text = typeof written === "object" ? JSON.stringify(written) : written;
  const config: JsonSchemaConfig = {
    kind: "jsonSchema",
    schema: text,
    name,
    registry: registryConfig(registry),
  };
  return { format: "jsonSchema", schema, config };
}

/** The format of a sink, with what the rows and the topic say of it. */
export function jsonSchemaWritten(
  format: JsonSchemaConfig,
  fields: readonly Field[],
  topic: string | undefined,
): JsonSchemaConfig {
  const title = format.name ?? nameAfter(topic);
  const schema = format.schema ?? JSON.stringify(schemaOf(fields, title));
  const record = (JSON.parse(schema) as { title?: unknown }).title;
  const name = typeof record === "string" ? record : undefined;
  const registry = withSubject("jsonSchema", format.registry, name, topic) ?? format.registry;
  return { ...format, schema, registry };
}

/** The JSON Schema of rows as they are written. */
function schemaOf(fields: readonly Field[], title: string): object {
  return { $schema: "http://json-schema.org/draft-07/schema#", title, ...objectOf(fields) };
}

function objectOf(fields: readonly Field[]): object {
  const properties = Object.fromEntries(fields.map((field) => [field.name, nullable(field)]));
  return { type: "object", properties, required: fields.filter((field) => !field.nullable).map(({ name }) => name) };
}

function nullable({ type, nullable }: Pick<Field, "type" | "nullable">): object {
  return nullable ? { oneOf: [{ type: "null" }, typeOf(type)] } : typeOf(type);
}

const CONNECT = "org.apache.kafka.connect.data";

/** Titles and `connect.type` are what Kafka Connect tells types apart by. */
function typeOf(type: DataType): object {
  switch (type.kind) {
    case "bool":
      return { type: "boolean" };
    case "int32":
    case "int64":
      return { type: "integer", "connect.type": type.kind };
    case "float64":
      // What is no number is written as null.
      return { type: ["number", "null"], "connect.type": "float64" };
    case "decimal": {
      const parameters = { scale: String(type.scale), "connect.decimal.precision": String(type.precision) };
      return { type: "number", title: `${CONNECT}.Decimal`, "connect.parameters": parameters };
    }
    case "string":
      return { type: "string" };
    case "bytes":
      return { type: "string", contentEncoding: "base64", "connect.type": "bytes" };
    case "timestamp":
      return {
        type: "integer",
        "connect.type": "int64",
        ...(type.unit === "ms" ? { title: `${CONNECT}.Timestamp` } : {}),
      };
    case "date":
      return { type: "string", format: "date" };
    case "list":
      return { type: "array", items: nullable(type.item) };
    case "struct":
      return objectOf(type.fields);
  }
}
