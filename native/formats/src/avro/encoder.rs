//! The encoder's frame: one row, one record.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::schema;
use super::write::{self, Record};
use crate::headed::Headed;
use crate::registry::framing;
use crate::{Encoder, FormatError, Rows};

/// Encodes rows as Avro records of one schema.
///
/// A row that has no place in the schema is not written; [`Encoder::take_failure`] then tells why.
pub struct AvroEncoder {
    record: Record,
    headed: Headed,
}

impl AvroEncoder {
    /// For records of the schema `written`, which has a field for each column. With an `id` its number stands before them.
    pub fn new(written: &str, id: Option<u32>, columns: SchemaRef) -> std::result::Result<Self, FormatError> {
        let schema = schema::parse(written, &[])?;
        let record = Record::of_rows(&schema, columns.fields()).map_err(|bad| FormatError(bad.to_string()))?;
        let header = id.map_or_else(Vec::new, |id| framing::header(id).to_vec());
        Ok(AvroEncoder { record, headed: Headed::new(header) })
    }
}

impl Encoder for AvroEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Rows) {
        let rows = write::Rows::new(&self.record, batch.columns());
        self.headed.write(batch.num_rows(), out, |row, out| rows.write(row, out));
    }

    fn take_failure(&mut self) -> Option<String> {
        self.headed.take_failure()
    }
}
