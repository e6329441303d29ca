import type { FormatConfig, RegistryConfig } from "../formats/config.js";
import type { Properties } from "../formats/registry.js";
import { Envelope, FormatKind, FormatT, Framing, PropertyT, SchemaRegistryT } from "../generated/millrace/plan.js";

/** A format as the plan has it. `schemaId` is the number of a sink's schema in its registry. */
export function format(config: FormatConfig | undefined, schemaId?: number): FormatT {
  const written = new FormatT();
  switch (config?.kind) {
    case undefined:
      break;
    case "avro":
      written.kind = FormatKind.Avro;
      written.schema = config.schema ?? null;
      written.readerSchema = config.readerSchema ?? null;
      framing(config.registry, schemaId, written);
      break;
    case "protobuf":
      written.kind = FormatKind.Protobuf;
      written.schema = config.proto ?? null;
      written.imports = properties(config.imports);
      written.descriptors = [...(config.descriptors ?? [])];
      written.message = config.message ?? null;
      framing(config.registry, schemaId, written);
      break;
    case "jsonSchema":
      written.kind = FormatKind.JsonSchema;
      framing(config.registry, schemaId, written);
      break;
    case "csv":
      written.kind = FormatKind.Csv;
      written.delimiter = config.delimiter;
      written.quote = config.quote;
      written.nullText = config.nullText;
      written.header = config.header;
      break;
    case "debezium":
      return Object.assign(format(config.of), { envelope: Envelope.Debezium });
    case "upsert":
      return Object.assign(format(config.of), { envelope: Envelope.Upsert, envelopeKey: config.key });
    case "raw":
      written.kind = FormatKind.Raw;
      break;
  }
  return written;
}

function framing(registry: RegistryConfig | undefined, schemaId: number | undefined, written: FormatT): void {
  written.schemaId = schemaId ?? null;
  if (registry === undefined) return;
  written.framing = Framing.Confluent;
  written.registry = new SchemaRegistryT(registry.url, registry.subject ?? null, properties(registry.properties));
}

function properties(of: Properties): PropertyT[] {
  return Object.entries(of).map(([key, value]) => new PropertyT(key, value));
}
