//! The decoder's frame: one record, one row.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::error::{Result, bad_record, broken};
use super::object::{Field, Object};
use super::scan;
use crate::builders::{FULL_BYTES, check_room};
use crate::debezium::Peek;
use crate::registry::framing;
use crate::{BadRecord, Decoder};

/// Decodes JSON records into the columns of a schema.
///
/// A record may have more fields than the schema: they are stepped over. See the module's text for what is verified.
/// A type that a plan cannot name is accepted, but only nulls can be read into it.
pub struct JsonDecoder {
    schema: SchemaRef,
    columns: Object,
    /// Before a record stands the number of its schema.
    is_framed: bool,
    /// Bytes of the records whose rows are held.
    bytes: usize,
}

impl JsonDecoder {
    /// `schema` holds the columns to read.
    pub fn new(schema: SchemaRef) -> Self {
        let columns = Object::new(schema.fields());
        JsonDecoder { schema, columns, is_framed: false, bytes: 0 }
    }

    /// For records that name their schema, by which they were checked when they were written.
    pub fn framed(schema: SchemaRef) -> Self {
        JsonDecoder { is_framed: true, ..JsonDecoder::new(schema) }
    }

    fn append(&mut self, record: &[u8]) -> Result<()> {
        check_room(record.len(), self.bytes)?;
        let record = if self.is_framed { framing::split(record)?.1 } else { record };
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

impl Peek for JsonDecoder {
    fn last_is_null(&self, path: &[usize]) -> bool {
        self.columns.last(path).is_none_or(Field::is_null)
    }

    fn last_text(&self, path: &[usize]) -> Option<&[u8]> {
        self.columns.last(path)?.last_text()
    }

    fn drop_last(&mut self) {
        self.columns.truncate(self.columns.rows().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests;
