//! Rows that are gathered for bodies of columns. They are encoded in Arrow's row format, as they go to different places, and become
//! columns when they are complete.

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

use crate::{Encoder, FormatError, Rows};

/// Encodes rows in Arrow's row format, for [`columns`].
pub struct GatheredEncoder {
    converter: RowConverter,
    failure: Option<String>,
}

impl GatheredEncoder {
    pub fn new(schema: &Schema) -> Result<Self, FormatError> {
        let converter = converter(schema).map_err(|error| FormatError(error.to_string()))?;
        Ok(GatheredEncoder { converter, failure: None })
    }
}

impl Encoder for GatheredEncoder {
    fn encode(&mut self, batch: &RecordBatch, out: &mut Rows) {
        match self.converter.convert_columns(batch.columns()) {
            Ok(rows) => rows.iter().for_each(|row| {
                out.buffer().extend_from_slice(row.as_ref());
                out.end_row();
            }),
            Err(error) => {
                self.failure.get_or_insert(error.to_string());
            }
        }
    }

    fn take_failure(&mut self) -> Option<String> {
        self.failure.take()
    }
}

/// The columns of rows that a [`GatheredEncoder`] has encoded.
pub fn columns<'a>(schema: &SchemaRef, rows: impl IntoIterator<Item = &'a [u8]>) -> Result<RecordBatch, FormatError> {
    let columns = || {
        let converter = converter(schema)?;
        let parser = converter.parser();
        let columns = converter.convert_rows(rows.into_iter().map(|row| parser.parse(row)))?;
        RecordBatch::try_new(schema.clone(), columns)
    };
    columns().map_err(|error| FormatError(error.to_string()))
}

fn converter(schema: &Schema) -> Result<RowConverter, ArrowError> {
    RowConverter::new(schema.fields().iter().map(|field| SortField::new(field.data_type().clone())).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, Float64Array, Int64Array, ListArray, StringArray, TimestampMillisecondArray, UInt32Array,
    };
    use arrow::compute::take_record_batch;
    use arrow::datatypes::Int32Type;

    use super::*;

    #[test]
    fn rows_of_any_order_become_their_columns() {
        let lists = [Some(vec![Some(1), None]), None, Some(vec![])];
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("id", Arc::new(Int64Array::from(vec![-1, 0, i64::MAX]))),
            (
                "text",
                Arc::new(StringArray::from(vec![Some("a longer text than a block of the row format"), None, Some("")])),
            ),
            ("float", Arc::new(Float64Array::from(vec![Some(-0.5), Some(f64::INFINITY), None]))),
            ("at", Arc::new(TimestampMillisecondArray::from(vec![1, 2, 3]).with_timezone("UTC"))),
            ("list", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
        ];
        let columns = columns.into_iter().map(|(name, array)| (name, array, true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let (mut rows, mut encoder) = (Rows::default(), GatheredEncoder::new(&batch.schema()).unwrap());
        encoder.encode(&batch, &mut rows);
        assert_eq!(encoder.take_failure(), None);
        let gathered = super::columns(&batch.schema(), [2, 0, 1].map(|row| rows.get(row).unwrap())).unwrap();
        assert_eq!(gathered, take_record_batch(&batch, &UInt32Array::from(vec![2, 0, 1])).unwrap());
    }
}
