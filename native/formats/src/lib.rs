//! Bytes to Arrow and back. A format is one file or folder, registered in [`decoder`] and [`encoder`].

mod arrays;
pub mod arrow_stream;
pub mod avro;
mod bad_record;
mod builders;
pub mod csv;
mod debezium;
mod file;
pub mod gathered;
mod headed;
pub mod json;
pub mod line_protocol;
pub mod parquet;
pub mod protobuf;
pub mod raw;
mod registry;
pub mod remote_write;
mod rescale;
mod rows;
mod series;
mod upsert;
mod varint;

pub use bad_record::BadRecord;
pub use debezium::DebeziumDecoder;
pub use file::{FileReader, FileWriter, Part, file_reader, file_writer};
pub use registry::{NoSchema, SchemaKind, SchemaText, Schemas};
pub use rows::{Cells, Rows};
pub use upsert::UpsertDecoder;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use debezium::Peek;
use millrace_plan::{Format, Framing};

/// Turns records into rows of one schema: the columns that the plan reads.
pub trait Decoder {
    /// Decodes one record and appends its row, if it is one: a change event may be none.
    fn decode(&mut self, record: &[u8]) -> Result<(), BadRecord>;

    /// Takes a record without a value.
    fn tombstone(&mut self, _key: Option<&[u8]>) -> Result<(), BadRecord> {
        Err(BadRecord { column: None, message: "a tombstone (no value)".into() })
    }

    /// Rows appended since the last `finish`.
    fn rows(&self) -> usize;

    /// The rows hold so many bytes that they are to be taken out, however few they are.
    fn is_full(&self) -> bool;

    /// Takes the rows out.
    fn finish(&mut self) -> RecordBatch;

    /// What kept the last record from being decoded, if that is not the record's fault: it may be good another time.
    fn take_failure(&mut self) -> Option<String> {
        None
    }
}

/// Turns rows of one schema into records.
pub trait Encoder {
    /// Appends a record for each row of `batch`.
    fn encode(&mut self, batch: &RecordBatch, out: &mut Rows);

    /// What a file of its records begins with, as a line.
    fn first_line(&self) -> Option<Arc<[u8]>> {
        None
    }

    /// Why a row of the last batch, and those after it, could not be encoded.
    fn take_failure(&mut self) -> Option<String> {
        None
    }
}

/// Why a format does not go with the columns; it names the column and says what is expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FormatError(pub String);

/// The decoder of a format for the columns in `schema`, which are among those that are `declared`. `schemas` is where records are looked up that name their schema.
pub fn decoder(
    format: &Format,
    schema: SchemaRef,
    declared: &SchemaRef,
    schemas: Option<Arc<dyn Schemas>>,
) -> Result<Box<dyn Decoder>, FormatError> {
    Ok(match format {
        Format::Csv(csv) => Box::new(csv::CsvDecoder::new(csv, schema, declared)),
        Format::Raw => Box::new(raw::RawDecoder::new(schema)),
        Format::LineProtocol(_) | Format::RemoteWrite(_) | Format::Arrow => {
            return Err(FormatError(format!("{} is written and not read", format.name())));
        }
        Format::Parquet => return Err(FormatError("records are not read as parquet: it is a format of files".into())),
        Format::Debezium(of) => Box::new(DebeziumDecoder::new(schema, |envelope| peekable(of, envelope, schemas))?),
        Format::Upsert(upsert) => {
            let open = |values| decoder(&upsert.of, values, declared, schemas);
            Box::new(UpsertDecoder::new(schema, &upsert.key, open)?)
        }
        other => peekable(other, schema, schemas)?,
    })
}

/// The decoder of a format that an envelope may have.
fn peekable(
    format: &Format,
    schema: SchemaRef,
    schemas: Option<Arc<dyn Schemas>>,
) -> Result<Box<dyn Peek>, FormatError> {
    Ok(match format {
        Format::Json => Box::new(json::JsonDecoder::new(schema)),
        Format::JsonSchema(_) => Box::new(json::JsonDecoder::framed(schema)),
        Format::Avro(avro) => {
            let reader = avro.reader_schema.as_deref();
            let decoder = match (schemas, avro.schema.as_deref()) {
                (Some(schemas), _) => avro::AvroDecoder::framed(schemas, reader, schema),
                (None, Some(writer)) => avro::AvroDecoder::plain(writer, reader, schema),
                (None, None) => return Err(FormatError("Avro needs the schema that records are written with".into())),
            };
            Box::new(decoder?)
        }
        Format::Protobuf(protobuf) => Box::new(protobuf::ProtobufDecoder::new(protobuf, schemas, schema)?),
        other => return Err(FormatError(format!("there are no change events in {}", other.name()))),
    })
}

/// The encoder of a format for rows of `schema`.
pub fn encoder(format: &Format, schema: SchemaRef) -> Result<Box<dyn Encoder>, FormatError> {
    Ok(match format {
        Format::Json => Box::new(json::JsonEncoder::new(schema)),
        Format::JsonSchema(framing) => Box::new(json::JsonEncoder::framed(schema, schema_id(framing)?)),
        Format::Csv(csv) => Box::new(csv::CsvEncoder::new(csv, &schema)),
        Format::Raw => Box::new(raw::RawEncoder),
        Format::LineProtocol(series) => Box::new(line_protocol::LineEncoder::new(series, &schema)?),
        Format::RemoteWrite(series) => Box::new(remote_write::RemoteWriteEncoder::new(series, &schema)?),
        Format::Arrow | Format::Parquet => Box::new(gathered::GatheredEncoder::new(&schema)?),
        Format::Avro(avro) => {
            let written = avro.schema.as_deref();
            let written = written.ok_or_else(|| FormatError("Avro needs the schema that is written".into()))?;
            Box::new(avro::AvroEncoder::new(written, schema_id(&avro.framing)?, schema)?)
        }
        Format::Protobuf(protobuf) => {
            Box::new(protobuf::ProtobufEncoder::new(protobuf, schema_id(&protobuf.framing)?, schema)?)
        }
        Format::Debezium(_) | Format::Upsert(_) => {
            return Err(FormatError(format!("{} is read, and not written", format.name())));
        }
    })
}

/// The number that stands before the records of a sink, where one does.
fn schema_id(framing: &Framing) -> Result<Option<u32>, FormatError> {
    match framing {
        Framing::Plain => Ok(None),
        Framing::Confluent { schema_id: Some(id), .. } => Ok(Some(*id)),
        Framing::Confluent { schema_id: None, .. } => Err(FormatError(
            "its schema is not registered: run the job by `millrace run`, which does it before the job begins".into(),
        )),
    }
}
