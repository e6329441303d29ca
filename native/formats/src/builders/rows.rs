//! The rows of one batch under construction, one a record.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::{Column, Struct};
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

    /// Whether there is null in the last row, where a path through structs leads or on the way there.
    pub fn last_is_null(&self, path: &[usize]) -> bool {
        self.last(path).is_none_or(|(column, row)| column.is_null(row))
    }

    /// The text there.
    pub fn last_text(&self, path: &[usize]) -> Option<&[u8]> {
        match self.last(path)? {
            (Column::Utf8(values), row) => values.get(row),
            _ => None,
        }
    }

    pub fn drop_last(&mut self) {
        self.rows.truncate(self.rows.len().saturating_sub(1));
    }

    fn last(&self, path: &[usize]) -> Option<(&Column, usize)> {
        let (first, rest) = path.split_first()?;
        let row = self.rows.len().checked_sub(1)?;
        let mut column = self.rows.columns.get(*first)?;
        for index in rest {
            let Column::Struct(structs) = column else { return None };
            column = structs.columns.get(*index)?;
        }
        Some((column, row))
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
