//! Bytes to Arrow and back. A format is one file or folder, registered in [`decoder`] and [`encoder`].

pub mod arrow_stream;
pub mod avro;
mod bad_record;
mod builders;
pub mod csv;
mod file;
pub mod json;
pub mod line_protocol;
pub mod parquet;
pub mod raw;
pub mod remote_write;
mod rows;
mod series;

pub use bad_record::BadRecord;
pub use file::{FileReader, FileWriter, Part, file_reader, file_writer};
pub use rows::{Cells, Rows};

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use millrace_plan::{AvroFraming, Format};

/// Turns records into rows of one schema: the columns that the plan reads.
pub trait Decoder {
    /// Decodes one record and appends its row.
    fn decode(&mut self, record: &[u8]) -> Result<(), BadRecord>;

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
    schemas: Option<Arc<dyn avro::Schemas>>,
) -> Result<Box<dyn Decoder>, FormatError> {
    Ok(match format {
        Format::Json => Box::new(json::JsonDecoder::new(schema)),
        Format::Csv(csv) => Box::new(csv::CsvDecoder::new(csv, schema, declared)),
        Format::Raw => Box::new(raw::RawDecoder::new(schema)),
        Format::LineProtocol(_) | Format::RemoteWrite(_) | Format::Arrow => {
            return Err(FormatError(format!("{} is written and not read", format.name())));
        }
        Format::Parquet => return Err(only_files()),
        Format::Avro(avro) => {
            let reader = avro.reader_schema.as_deref();
            let decoder = match (schemas, avro.schema.as_deref()) {
                (Some(schemas), _) => avro::AvroDecoder::framed(schemas, reader, schema),
                (None, Some(writer)) => avro::AvroDecoder::plain(writer, reader, schema),
                (None, None) => return Err(FormatError("Avro needs the schema that records are written with".into())),
            };
            Box::new(decoder?)
        }
    })
}

/// The encoder of a format for rows of `schema`.
pub fn encoder(format: &Format, schema: SchemaRef) -> Result<Box<dyn Encoder>, FormatError> {
    Ok(match format {
        Format::Json => Box::new(json::JsonEncoder::new(schema)),
        Format::Csv(csv) => Box::new(csv::CsvEncoder::new(csv)),
        Format::Raw => Box::new(raw::RawEncoder),
        Format::LineProtocol(series) => Box::new(line_protocol::LineEncoder::new(series, &schema)?),
        Format::RemoteWrite(series) => Box::new(remote_write::RemoteWriteEncoder::new(series, &schema)?),
        Format::Arrow => Box::new(arrow_stream::ArrowEncoder::new(&schema)?),
        Format::Parquet => return Err(only_files()),
        Format::Avro(avro) => {
            let written = avro.schema.as_deref();
            let written = written.ok_or_else(|| FormatError("Avro needs the schema that is written".into()))?;
            let id = match &avro.framing {
                AvroFraming::Plain => None,
                AvroFraming::Confluent { schema_id, .. } => Some(schema_id.ok_or_else(not_registered)?),
            };
            Box::new(avro::AvroEncoder::new(written, id, schema)?)
        }
    })
}

fn only_files() -> FormatError {
    FormatError("Parquet is a format of files, not of records".into())
}

fn not_registered() -> FormatError {
    FormatError(
        "its schema is not registered: run the job by `millrace run`, which does it before the job begins".into(),
    )
}
