use super::expr::time_unit;
use super::{Result, positive, properties, unknown};
use crate::PlanError;
use crate::generated as fb;
use crate::model::*;

pub fn format(format: fb::Format<'_>) -> Result<Format> {
    let of = without_envelope(format)?;
    match format.envelope() {
        fb::Envelope::None => Ok(of),
        fb::Envelope::Debezium => Ok(Format::Debezium(Box::new(of))),
        fb::Envelope::Upsert => {
            let key = format.envelope_key().ok_or_else(|| PlanError::new("upsert: it has no column for the key"))?;
            Ok(Format::Upsert(Box::new(Upsert { of, key: key.into() })))
        }
        other => Err(unknown("envelope of records", other.0)),
    }
}

fn without_envelope(format: fb::Format<'_>) -> Result<Format> {
    Ok(match format.kind() {
        fb::FormatKind::Json => Format::Json,
        fb::FormatKind::Avro => Format::Avro(Avro {
            schema: format.schema().map(str::to_owned),
            reader_schema: format.reader_schema().map(str::to_owned),
            framing: framing(format)?,
        }),
        fb::FormatKind::Csv => Format::Csv(Csv {
            delimiter: byte("delimiter", format.delimiter().unwrap_or(","))?,
            quote: byte("quote", format.quote().unwrap_or("\""))?,
            null: format.null_text().unwrap_or_default().into(),
            header: format.header(),
        }),
        fb::FormatKind::Raw => Format::Raw,
        fb::FormatKind::LineProtocol => Format::LineProtocol(series(format)?),
        fb::FormatKind::RemoteWrite => Format::RemoteWrite(series(format)?),
        fb::FormatKind::Arrow => Format::Arrow,
        fb::FormatKind::Parquet => Format::Parquet,
        fb::FormatKind::Protobuf => Format::Protobuf(Protobuf {
            // The SDK writes an empty list where it has none.
            schema: match (format.schema(), format.descriptors().filter(|descriptors| !descriptors.is_empty())) {
                (Some(text), _) => {
                    Some(ProtobufSchema::Text { text: text.into(), imports: properties(format.imports()) })
                }
                (None, Some(descriptors)) => Some(ProtobufSchema::Descriptors(descriptors.bytes().into())),
                (None, None) => None,
            },
            message: format.message().map(str::to_owned),
            framing: framing(format)?,
        }),
        fb::FormatKind::JsonSchema => Format::JsonSchema(framing(format)?),
        other => return Err(unknown("format", other.0)),
    })
}

fn series(format: fb::Format<'_>) -> Result<Series> {
    let series = format.series().ok_or_else(|| PlanError::new("it is not said which columns make a time series"))?;
    let texts = |texts: Option<flatbuffers::Vector<'_, flatbuffers::ForwardsUOffset<&str>>>| {
        texts.map_or_else(Vec::new, |texts| texts.iter().map(str::to_owned).collect())
    };
    Ok(Series {
        name: match (series.name(), series.name_column()) {
            (_, Some(column)) => SeriesName::Column(column.into()),
            (name, None) => SeriesName::Text(name.unwrap_or_default().into()),
        },
        labels: texts(series.labels()),
        values: texts(series.values()),
        time: series.time().into(),
        unit: time_unit(series.unit())?,
        dialect: match series.dialect() {
            fb::LineDialect::Influx => LineDialect::Influx,
            fb::LineDialect::QuestDb => LineDialect::QuestDb,
            other => return Err(unknown("dialect of line protocol", other.0)),
        },
    })
}

/// What the format makes of files.
pub fn file_format(format: fb::Format<'_>) -> Result<FileFormat> {
    Ok(match format.kind() {
        fb::FormatKind::Parquet => FileFormat::Parquet(parquet(format)?),
        fb::FormatKind::Avro => FileFormat::Avro(AvroFile {
            schema: format.schema().map(str::to_owned),
            reader_schema: format.reader_schema().map(str::to_owned),
            codec: codec("avro", format.codec(), &[Codec::Deflate, Codec::Snappy, Codec::Zstd])?,
        }),
        _ => FileFormat::Lines,
    })
}

/// The options of files of Parquet.
pub fn parquet(format: fb::Format<'_>) -> Result<Parquet> {
    Ok(Parquet {
        codec: codec("parquet", format.codec(), &[Codec::Gzip, Codec::Lz4, Codec::Snappy, Codec::Zstd])?,
        row_group_rows: format.row_group_rows() as usize,
        row_group_bytes: positive("rowGroupBytes", format.row_group_bytes())? as usize,
    })
}

fn codec(format: &str, name: Option<&str>, known: &[Codec]) -> Result<Codec> {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(Codec::None) };
    known.iter().copied().find(|codec| codec.name() == name).ok_or_else(|| {
        let known: Vec<&str> = known.iter().map(|codec| codec.name()).collect();
        PlanError::new(format!("{format}: codec \"{name}\" is none of {}", known.join(", ")))
    })
}

fn framing(format: fb::Format<'_>) -> Result<Framing> {
    match format.framing() {
        fb::Framing::Plain => Ok(Framing::Plain),
        fb::Framing::Confluent => {
            let registry = format.registry();
            let registry = registry.ok_or_else(|| PlanError::new("records name a schema, but of no registry"))?;
            let registry = SchemaRegistry {
                url: registry.url().into(),
                subject: registry.subject().map(str::to_owned),
                properties: properties(registry.properties()),
            };
            Ok(Framing::Confluent { registry, schema_id: format.schema_id() })
        }
        other => Err(unknown("framing of records", other.0)),
    }
}

/// A character that is one byte, and none that a line or a quoted field has of itself.
fn byte(what: &str, text: &str) -> Result<u8> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\r' | b'\n') => Ok(*byte),
        _ => Err(PlanError::new(format!("csv: {what} {text:?} is not one ASCII character"))),
    }
}
