//! Bytes to Arrow and back. A format is one file or folder, registered in [`decoder`] and [`encoder`].

pub mod json;
mod rows;

pub use rows::{Cells, Rows};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use millrace_plan::Format;

/// Why a record could not be decoded; nothing of it is left in the decoder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", .column.as_ref().map(|c| format!("column \"{c}\": ")).unwrap_or_default())]
pub struct BadRecord {
    /// The column, with its path where it is nested: "address.city".
    pub column: Option<String>,
    /// What was expected and what was found.
    pub message: String,
}

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
}

/// Turns rows of one schema into records.
pub trait Encoder {
    /// Appends a record for each row of `batch`.
    fn encode(&mut self, batch: &RecordBatch, out: &mut Rows);
}

/// The decoder of a format for the columns in `schema`.
pub fn decoder(format: Format, schema: SchemaRef) -> Box<dyn Decoder> {
    match format {
        Format::Json => Box::new(json::JsonDecoder::new(schema)),
    }
}

/// The encoder of a format for rows of `schema`.
pub fn encoder(format: Format, schema: SchemaRef) -> Box<dyn Encoder> {
    match format {
        Format::Json => Box::new(json::JsonEncoder::new(schema)),
    }
}
