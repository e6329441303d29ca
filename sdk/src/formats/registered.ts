import { PlanError } from "../errors.js";
import type { Field } from "../schema/type.js";
import { avroWritten } from "./avro.js";
import type { FormatConfig } from "./config.js";
import { jsonSchemaWritten } from "./json-schema.js";
import { protobufWritten } from "./protobuf.js";

/** The format of a source, with what its topics say of it. */
export function readFrom(format: FormatConfig | undefined, topics: readonly string[]): FormatConfig | undefined {
  if (format !== undefined && "of" in format) return { ...format, of: readFrom(format.of, topics) };
  if (format?.kind === "avro" && (format.schema ?? format.registry) === undefined)
    throw new PlanError("avro: give the schema that records are written with, or the registry that has it");
  if (format === undefined || !("registry" in format) || format.registry === undefined) return format;
  const [topic, ...others] = topics;
  // Of several topics no subject can be told apart.
  const subject = topic === undefined || others.length > 0 ? undefined : `${topic}-value`;
  return { ...format, registry: { ...format.registry, subject: format.registry.subject ?? subject } };
}

/** The format of a sink, with what the rows and the topic say of it. */
export function writtenTo(
  format: FormatConfig | undefined,
  fields: readonly Field[],
  topic: string | undefined,
): FormatConfig | undefined {
  switch (format?.kind) {
    case "avro":
      return avroWritten(format, fields, topic);
    case "protobuf":
      return protobufWritten(format, fields, topic);
    case "jsonSchema":
      return jsonSchemaWritten(format, fields, topic);
    default:
      return format;
  }
}
