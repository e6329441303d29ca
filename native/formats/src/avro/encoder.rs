//! The encoder's frame: one row, one record.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::schema;
use super::write::{self, Record};
use crate::registry::framing;
use crate::{Encoder, FormatError, Rows};

/// Encodes rows as Avro records of one schema.
///
/// A row that has no place in the schema is not written; [`Encoder::take_failure`] then tells why.
pub struct AvroEncoder {
    record: Record,
    /// Stands before each record.
    header: Vec<u8>,
    /// Bytes of the last record, to reserve room for the next ones.
    record_bytes: usize,
    failure: Option<String>,
}

impl AvroEncoder {
    /// For records of the schema `written`, which has a field for each column. With an `id` its number stands before them.
    pub fn new(written: &str, id: Option<u32>, columns: SchemaRef) -> std::result::Result<Self, FormatError> {
        let schema = schema::parse(written, &[])?;
        let record = Record::of_rows(&schema, columns.fields()).map_err(|bad| FormatError(bad.to_string()))?;
        let header = id.map_or_else(Vec::new, |id| framing::header(id).to_vec());
        Ok(AvroEncoder { record, header, record_bytes: 0, failure: None })
    }
}

impl Encoder for AvroEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Rows) {
        let rows = write::Rows::new(&self.record, batch.columns());
        let start = out.bytes();
        out.buffer().reserve(self.record_bytes * batch.num_rows());
        for row in 0..batch.num_rows() {
            let begin = out.bytes();
            out.buffer().extend_from_slice(&self.header);
            if let Err(error) = rows.write(row, out.buffer()) {
                out.buffer().truncate(begin);
                self.failure = Some(error.to_string());
                return;
            }
            out.end_row();
        }
        if batch.num_rows() > 0 {
            self.record_bytes = (out.bytes() - start).div_ceil(batch.num_rows());
        }
    }

    fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }
}
