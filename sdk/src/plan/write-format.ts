import type { AvroConfig, FormatConfig, SeriesConfig } from "../formats/config.js";
import {
  AvroFraming,
  FormatKind,
  FormatT,
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
      avro(config, written);
      written.schemaId = schemaId ?? null;
      break;
    case "csv":
      written.kind = FormatKind.Csv;
      written.delimiter = config.delimiter;
      written.quote = config.quote;
      written.nullText = config.nullText;
      written.header = config.header;
      break;
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

function avro({ schema, readerSchema, registry, codec }: AvroConfig, written: FormatT): void {
  written.kind = FormatKind.Avro;
  written.codec = codec;
  written.schema = schema ?? null;
  written.readerSchema = readerSchema ?? null;
  if (registry === undefined) return;
  written.framing = AvroFraming.Confluent;
  const properties = Object.entries(registry.properties).map(([key, value]) => new PropertyT(key, value));
  written.registry = new SchemaRegistryT(registry.url, registry.subject ?? null, properties);
}
