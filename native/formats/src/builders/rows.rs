//! The rows of one batch under construction, one a record.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::Struct;
use crate::BadRecord;
use crate::bad_record::{Result, bad_record};

/// Bytes of records after which the rows are to be taken out, whatever their number.
pub(crate) const FULL_BYTES: usize = 64 << 20;

/// What an offset of Arrow can reach; no column is longer than the records that it was read from.
const MAX_BYTES: usize = i32::MAX as usize;

pub(crate) struct RowBuilder {
    schema: SchemaRef,
    rows: Struct,
    /// Bytes of the records whose rows are held.
    bytes: usize,
}

impl RowBuilder {
    pub fn new(schema: SchemaRef) -> Self {
        RowBuilder { rows: Struct::new(schema.fields()), schema, bytes: 0 }
    }

    /// Lets `read` append the row of a record of so many bytes; of a bad record nothing stays.
    #[inline]
    pub fn append(
        &mut self,
        bytes: usize,
        read: impl FnOnce(&mut Struct) -> Result<()>,
    ) -> std::result::Result<(), BadRecord> {
        let rows = self.rows.len();
        match check_room(bytes, self.bytes).and_then(|()| read(&mut self.rows)) {
            Ok(()) => {
                self.bytes += bytes;
                Ok(())
            }
            Err(error) => {
                self.rows.truncate(rows);
                Err(*error)
            }
        }
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_full(&self) -> bool {
        self.bytes >= FULL_BYTES
    }

    /// Takes the rows out.
    pub fn finish(&mut self) -> RecordBatch {
        let (columns, rows) = self.rows.take_rows();
        self.bytes = 0;
        // SAFETY: the columns were made from the schema's fields, with one value a row.
        unsafe { RecordBatch::new_unchecked(self.schema.clone(), columns, rows) }
    }
}

/// Whether a record of `bytes` fits a batch that holds records of `held` bytes.
#[inline]
pub(crate) fn check_room(bytes: usize, held: usize) -> Result<()> {
    if bytes > MAX_BYTES - held {
        return Err(bad_record(format!("a record of {bytes} bytes is too large beside {held} bytes in one batch")));
    }
    Ok(())
}
