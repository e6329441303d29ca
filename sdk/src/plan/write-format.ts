import { type Secrets, shownSecret } from "../connectors/secret.js";
import type { FormatConfig, RegistryConfig, SeriesConfig } from "../formats/config.js";
import type { Properties } from "../formats/registry.js";
import {
  Envelope,
  FormatKind,
  FormatT,
  Framing,
  LineDialect,
  PropertyT,
  SchemaRegistryT,
  SeriesFormatT,
} from "../generated/millrace/plan.js";
import { UNITS } from "./write-expr.js";

/** A format as the plan has it. `schemaId` is the number of a sink's schema in its registry. */
export function format(config: FormatConfig | undefined, schemaId?: number): FormatT {
  const written = new FormatT();
  switch (config?.kind) {
    case undefined:
      break;
    case "avro":
      written.kind = FormatKind.Avro;
      written.codec = config.codec;
      written.schema = config.schema ?? null;
      written.readerSchema = config.readerSchema ?? null;
      framing(config.registry, schemaId, written);
      break;
    case "protobuf":
      written.kind = FormatKind.Protobuf;
      written.schema = config.proto ?? null;
      written.imports = properties({ properties: config.imports });
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
    case "lineProtocol":
      written.kind = FormatKind.LineProtocol;
      written.series = series(config);
      break;
    case "remoteWrite":
      written.kind = FormatKind.RemoteWrite;
      written.series = series(config);
      break;
    case "arrow":
      written.kind = FormatKind.Arrow;
      break;
    case "parquet":
      written.kind = FormatKind.Parquet;
      written.codec = config.codec;
      written.rowGroupRows = config.rowGroupRows;
      written.rowGroupBytes = BigInt(config.rowGroupBytes);
      break;
  }
  return written;
}

function series({ name, labels, values, time, unit, dialect }: SeriesConfig): SeriesFormatT {
  const [text, column] = typeof name === "string" ? [name, null] : [null, name.column];
  const escapes = dialect === "questdb" ? LineDialect.QuestDb : LineDialect.Influx;
  return new SeriesFormatT(text, column, [...labels], [...values], time, UNITS[unit], escapes);
}

function framing(registry: RegistryConfig | undefined, schemaId: number | undefined, written: FormatT): void {
  written.schemaId = schemaId ?? null;
  if (registry === undefined) return;
  written.framing = Framing.Confluent;
  written.registry = new SchemaRegistryT(registry.url, registry.subject ?? null, properties(registry));
}

/** Properties, with the names of secrets in the place of their texts. */
export function properties({ properties, secrets }: { properties: Properties; secrets?: Secrets }): PropertyT[] {
  const hidden = Object.entries(secrets ?? {}).map(([key, secret]) => [key, shownSecret(secret)] as const);
  return [...Object.entries(properties), ...hidden].map(([key, value]) => new PropertyT(key, value));
}
