//! Arrow's IPC streams. Rows are gathered in Arrow's row format, as they go to different places, and become the columns of
//! one stream when they are complete.

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;

use crate::{Encoder, FormatError, Rows};

/// Encodes rows in Arrow's row format, for [`stream`].
pub struct ArrowEncoder {
    converter: RowConverter,
    failure: Option<String>,
}

impl ArrowEncoder {
    pub fn new(schema: &Schema) -> Result<Self, FormatError> {
        let converter = converter(schema).map_err(|error| FormatError(error.to_string()))?;
        Ok(ArrowEncoder { converter, failure: None })
    }
}

impl Encoder for ArrowEncoder {
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

/// The stream of rows that an [`ArrowEncoder`] has encoded.
pub fn stream<'a>(schema: &SchemaRef, rows: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, FormatError> {
    let columns = || {
        let converter = converter(schema)?;
        let parser = converter.parser();
        let columns = converter.convert_rows(rows.into_iter().map(|row| parser.parse(row)))?;
        written(&RecordBatch::try_new(schema.clone(), columns)?)
    };
    columns().map_err(|error| FormatError(error.to_string()))
}

/// The stream of some of the rows of another.
pub fn part(stream: &[u8], rows: &[u32]) -> Result<Vec<u8>, FormatError> {
    let taken = || {
        let whole = whole(stream)?;
        let there = rows.iter().copied().filter(|&row| (row as usize) < whole.num_rows());
        written(&take_record_batch(&whole, &UInt32Array::from_iter_values(there))?)
    };
    taken().map_err(|error: ArrowError| FormatError(error.to_string()))
}

fn converter(schema: &Schema) -> Result<RowConverter, ArrowError> {
    RowConverter::new(schema.fields().iter().map(|field| SortField::new(field.data_type().clone())).collect())
}

fn written(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
    writer.write(batch)?;
    writer.into_inner()
}

fn whole(stream: &[u8]) -> Result<RecordBatch, ArrowError> {
    let reader = StreamReader::try_new(stream, None)?;
    let schema = reader.schema();
    concat_batches(&schema, &reader.collect::<Result<Vec<_>, _>>()?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int64Array, ListArray, StringArray, TimestampMillisecondArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    fn batch() -> RecordBatch {
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
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
    }

    fn encoded(batch: &RecordBatch) -> Rows {
        let mut rows = Rows::default();
        let mut encoder = ArrowEncoder::new(&batch.schema()).unwrap();
        encoder.encode(batch, &mut rows);
        assert_eq!(encoder.take_failure(), None);
        rows
    }

    #[test]
    fn rows_of_any_order_become_a_stream_with_their_columns() {
        let (batch, rows) = (batch(), encoded(&batch()));
        let stream = stream(&batch.schema(), [2, 0, 1].map(|row| rows.get(row).unwrap())).unwrap();
        let expected = take_record_batch(&batch, &UInt32Array::from(vec![2, 0, 1])).unwrap();
        assert_eq!(whole(&stream).unwrap(), expected);
    }

    #[test]
    fn some_rows_of_a_stream_are_a_stream() {
        let (batch, rows) = (batch(), encoded(&batch()));
        let all = stream(&batch.schema(), (0..3).map(|row| rows.get(row).unwrap())).unwrap();
        let expected = take_record_batch(&batch, &UInt32Array::from(vec![0, 2])).unwrap();
        assert_eq!(whole(&part(&all, &[0, 2, 9]).unwrap()).unwrap(), expected);
        assert!(part(b"no stream", &[0]).is_err());
    }
}
