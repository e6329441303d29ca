//! The decoder's frame: one record, one row.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::error::{Result, bad_record, broken};
use super::object::Object;
use super::scan;
use crate::builders::{FULL_BYTES, check_room};
use crate::{BadRecord, Decoder};

/// Decodes JSON records into the columns of a schema.
///
/// A record may have more fields than the schema: they are stepped over. See the module's text for what is verified.
/// A type that a plan cannot name is accepted, but only nulls can be read into it.
pub struct JsonDecoder {
    schema: SchemaRef,
    columns: Object,
    /// Bytes of the records whose rows are held.
    bytes: usize,
}

impl JsonDecoder {
    /// `schema` holds the columns to read.
    pub fn new(schema: SchemaRef) -> Self {
        let columns = Object::new(schema.fields());
        JsonDecoder { schema, columns, bytes: 0 }
    }

    fn append(&mut self, record: &[u8]) -> Result<()> {
        check_room(record.len(), self.bytes)?;
        let start = scan::space(record, 0);
        match record.get(start) {
            Some(b'{') => {}
            None => return Err(bad_record("empty record")),
            Some(_) => return Err(broken(record, start, "expected '{', the start of an object")),
        }
        let end = self.columns.read(record, start, 0)?;
        let rest = scan::space(record, end);
        if rest < record.len() {
            return Err(broken(record, rest, "expected nothing after the object"));
        }
        Ok(())
    }
}

impl Decoder for JsonDecoder {
    fn decode(&mut self, record: &[u8]) -> std::result::Result<(), BadRecord> {
        let rows = self.columns.rows();
        match self.append(record) {
            Ok(()) => {
                self.bytes += record.len();
                Ok(())
            }
            Err(error) => {
                self.columns.truncate(rows);
                Err(*error)
            }
        }
    }

    fn rows(&self) -> usize {
        self.columns.rows()
    }

    fn is_full(&self) -> bool {
        self.bytes >= FULL_BYTES
    }

    fn finish(&mut self) -> RecordBatch {
        let rows = self.columns.rows();
        let columns = self.columns.finish();
        self.bytes = 0;
        // SAFETY: the columns were made from the schema's fields, with one value a row.
        unsafe { RecordBatch::new_unchecked(self.schema.clone(), columns, rows) }
    }
}

#[cfg(test)]
mod tests;
