//! Upserts, as a compacted topic has them: a record says what its key's row is now, and one without a value that there is none.
//!
//! Each record becomes a row with its columns and "deleted", which is false. One without a value becomes a row of nulls, but for
//! the column that its key is read into, and "deleted" is true.

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, new_null_array};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, FieldRef, SchemaRef};

use crate::bad_record::{Result, bad_record, bad_value, fits, shown, type_name, within};
use crate::builders::Column;
use crate::{BadRecord, Decoder, FormatError};

const DELETED: &str = "deleted";

/// Decodes upserts into the columns of a schema.
pub struct UpsertDecoder {
    values: Box<dyn Decoder>,
    schema: SchemaRef,
    /// The column that keys are read into, if it is read.
    key: Option<FieldRef>,
    keys: Column,
    /// By row: whether it has no value.
    deleted: Vec<bool>,
}

impl UpsertDecoder {
    /// `open` makes the decoder of values for their columns.
    pub(crate) fn new(
        schema: SchemaRef,
        key: &str,
        open: impl FnOnce(SchemaRef) -> std::result::Result<Box<dyn Decoder>, FormatError>,
    ) -> std::result::Result<Self, FormatError> {
        let is_wrong = |field: &&FieldRef| field.name() == DELETED && *field.data_type() != DataType::Boolean;
        if schema.fields().iter().any(|field| is_wrong(&field)) {
            return Err(FormatError("column \"deleted\" is that of an upsert, which is a bool".into()));
        }
        let others = schema.fields().iter().filter(|field| field.name() != key && field.name() != DELETED);
        if let Some(field) = others.into_iter().find(|field| !field.is_nullable()) {
            return Err(FormatError(format!(
                "column \"{}\" is not nullable, as those of a deleted row are",
                field.name()
            )));
        }
        let columns = schema.fields().iter().enumerate().filter(|(_, field)| field.name() != DELETED);
        let columns: Vec<usize> = columns.map(|(index, _)| index).collect();
        let values = schema.project(&columns).map_err(|error| FormatError(error.to_string()))?;
        let key = schema.fields().iter().find(|field| field.name() == key).cloned();
        let keys = Column::new(key.as_ref().map_or(&DataType::Null, |key| key.data_type()));
        Ok(UpsertDecoder { values: open(values.into())?, schema, key, keys, deleted: Vec::new() })
    }

    fn append_key(&mut self, key: Option<&[u8]>) -> Result<()> {
        let key = key.ok_or_else(|| bad_record("a tombstone (no value) without a key deletes nothing"))?;
        let Some(field) = &self.key else {
            self.keys.append_null();
            return Ok(());
        };
        let text = || std::str::from_utf8(key).ok();
        let appended = match &mut self.keys {
            Column::Utf8(values) => text().map(|text| values.append(text.as_bytes())),
            Column::Binary(values) => Some(values.append(key)),
            Column::Int32(values) => text().and_then(|text| text.parse().ok()).map(|key| {
                values.append(key);
                true
            }),
            Column::Int64(values) => text().and_then(|text| text.parse().ok()).map(|key| {
                values.append(key);
                true
            }),
            _ => None,
        };
        match appended {
            Some(appended) => fits(appended).map_err(|error| within(error, field.name())),
            None => {
                let message =
                    format!("expected a key that is {}, found \"{}\"", type_name(field.data_type()), shown(key));
                Err(within(bad_value(message), field.name()))
            }
        }
    }
}

impl Decoder for UpsertDecoder {
    fn decode(&mut self, record: &[u8]) -> std::result::Result<(), BadRecord> {
        self.values.decode(record)?;
        self.deleted.push(false);
        Ok(())
    }

    fn tombstone(&mut self, key: Option<&[u8]>) -> std::result::Result<(), BadRecord> {
        self.append_key(key).map_err(|error| *error)?;
        self.deleted.push(true);
        Ok(())
    }

    fn rows(&self) -> usize {
        self.deleted.len()
    }

    fn is_full(&self) -> bool {
        self.values.is_full()
    }

    fn finish(&mut self) -> RecordBatch {
        let values = self.values.finish();
        let deleted = std::mem::take(&mut self.deleted);
        let tombstones = deleted.len() - values.num_rows();
        let keys = self.key.as_ref().map(|key| self.keys.finish(key.data_type()));
        if keys.is_none() {
            self.keys.truncate(0);
        }
        // Where each row is: among the values or the tombstones, in their order.
        let mut next = [0, 0];
        let places: Vec<(usize, usize)> = deleted
            .iter()
            .map(|&deleted| {
                let from = usize::from(deleted);
                next[from] += 1;
                (from, next[from] - 1)
            })
            .collect();
        let column = |field: &FieldRef| -> ArrayRef {
            let Some(values) = values.column_by_name(field.name()) else {
                return std::sync::Arc::new(BooleanArray::from(deleted.clone()));
            };
            let is_key = self.key.as_ref().is_some_and(|key| key.name() == field.name());
            match &keys {
                _ if tombstones == 0 => values.clone(),
                Some(keys) if is_key => merged(values, keys, &places),
                _ => merged(values, &new_null_array(field.data_type(), tombstones), &places),
            }
        };
        let columns = self.schema.fields().iter().map(column).collect();
        // SAFETY: the columns have the types of the schema's fields and one value a row; only columns are null that the plan
        // has as nullable.
        unsafe { RecordBatch::new_unchecked(self.schema.clone(), columns, deleted.len()) }
    }

    fn take_failure(&mut self) -> Option<String> {
        self.values.take_failure()
    }
}

fn merged(values: &ArrayRef, tombstones: &ArrayRef, places: &[(usize, usize)]) -> ArrayRef {
    let both: [&dyn Array; 2] = [values, tombstones];
    // Both have the same type, and the places are within them.
    interleave(&both, places).unwrap_or_else(|_| new_null_array(values.data_type(), places.len()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{Field, Schema};
    use millrace_plan::{Format, Upsert};

    use super::*;

    fn decoder(fields: Vec<Field>) -> std::result::Result<Box<dyn Decoder>, FormatError> {
        let schema = Arc::new(Schema::new(fields));
        let format = Format::Upsert(Box::new(Upsert { of: Format::Json, key: "id".into() }));
        crate::decoder(&format, schema.clone(), &schema, None)
    }

    fn rows(key: DataType) -> Vec<Field> {
        vec![
            Field::new("id", key, false),
            Field::new("name", DataType::Utf8, true),
            Field::new("deleted", DataType::Boolean, false),
        ]
    }

    #[test]
    fn a_record_without_a_value_is_a_row_of_its_key() {
        let mut decoder = decoder(rows(DataType::Int64)).unwrap();
        decoder.decode(br#"{"id": 1, "name": "a"}"#).unwrap();
        decoder.tombstone(Some(b"1")).unwrap();
        decoder.decode(br#"{"id": 2}"#).unwrap();
        let error = decoder.tombstone(Some(b"x")).unwrap_err();
        assert_eq!(error.to_string(), "column \"id\": expected a key that is int64, found \"x\"");
        assert!(decoder.tombstone(None).unwrap_err().message.starts_with("a tombstone (no value) without a key"));
        assert_eq!(decoder.rows(), 3);
        let batch = decoder.finish();
        batch.columns().iter().for_each(|column| column.to_data().validate_full().unwrap());
        assert_eq!(batch.column(0).as_ref(), &Int64Array::from(vec![1, 1, 2]));
        assert_eq!(batch.column(1).as_ref(), &StringArray::from(vec![Some("a"), None, None]));
        assert_eq!(batch.column(2).as_ref(), &BooleanArray::from(vec![false, true, false]));
        decoder.tombstone(Some(b"7")).unwrap();
        assert_eq!(decoder.finish().column(0).as_ref(), &Int64Array::from(vec![7]));
        decoder.decode(br#"{"id": 8}"#).unwrap();
        assert_eq!(decoder.finish().column(2).as_ref(), &BooleanArray::from(vec![false]));
    }

    #[test]
    fn a_key_that_is_not_read_is_not_needed() {
        let mut decoder = decoder(rows(DataType::Utf8)[1..].to_vec()).unwrap();
        decoder.decode(br#"{"name": "a"}"#).unwrap();
        decoder.tombstone(Some(b"\xff")).unwrap();
        assert_eq!(decoder.finish().column(0).as_ref(), &StringArray::from(vec![Some("a"), None]));
        decoder.tombstone(Some(b"x")).unwrap();
        assert_eq!(decoder.finish().num_rows(), 1);
    }

    #[test]
    fn columns_may_be_null_as_those_of_a_deleted_row_are() {
        let fields = vec![Field::new("id", DataType::Utf8, false), Field::new("name", DataType::Utf8, false)];
        assert_eq!(decoder(fields).err().unwrap().0, "column \"name\" is not nullable, as those of a deleted row are");
        let fields = vec![Field::new("deleted", DataType::Utf8, true)];
        assert_eq!(decoder(fields).err().unwrap().0, "column \"deleted\" is that of an upsert, which is a bool");
    }
}
