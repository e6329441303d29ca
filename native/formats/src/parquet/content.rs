//! Files that are in memory as a whole.

use std::io;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use millrace_plan::Parquet;

use super::{ParquetReader, ParquetWriter};
use crate::FormatError;
use crate::file::{FileReader, FileWriter, Part};

/// The file of rows.
pub fn content(config: &Parquet, rows: &RecordBatch) -> Result<Vec<u8>, FormatError> {
    let written = || {
        let mut writer = Box::new(ParquetWriter::new(config, &rows.schema(), Vec::new())?);
        writer.write(rows)?;
        writer.finish()
    };
    written().map_err(|error: io::Error| FormatError(error.to_string()))
}

/// The rows of a file that [`content`] has made of rows with these columns.
pub fn rows(columns: &SchemaRef, content: Vec<u8>) -> Result<RecordBatch, FormatError> {
    let disk = |error: io::Error| FormatError(error.to_string());
    let mut reader = ParquetReader::open(columns, Bytes::from(content), 0).map_err(disk)?;
    let mut parts = Vec::new();
    while let Some(part) = reader.next(usize::MAX).map_err(disk)? {
        match part {
            Part::Rows(rows) => parts.push(rows),
            Part::Bad { reason, .. } | Part::Damaged(reason) => return Err(FormatError(reason.to_string())),
        }
    }
    concat_batches(columns, &parts).map_err(|error| FormatError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, ListArray, StringArray, TimestampSecondArray};
    use arrow::datatypes::Int32Type;
    use millrace_plan::Codec;

    use super::*;

    fn config() -> Parquet {
        Parquet { codec: Codec::Snappy, row_group_rows: 2, row_group_bytes: 1 << 20 }
    }

    fn batch(at: Vec<i64>) -> RecordBatch {
        let lists = at.iter().map(|at| (at % 2 == 0).then(|| vec![Some(*at as i32), None]));
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("text", Arc::new(at.iter().map(|at| (at % 3 > 0).then_some("text")).collect::<StringArray>())),
            ("list", Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists))),
            ("at", Arc::new(TimestampSecondArray::from(at).with_timezone("UTC"))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
    }

    #[test]
    fn a_file_has_the_rows_that_it_was_made_of_with_their_types() {
        let batch = batch((0..5).collect());
        assert_eq!(rows(&batch.schema(), content(&config(), &batch).unwrap()).unwrap(), batch);
        assert!(rows(&batch.schema(), b"no file".into()).is_err());
    }

    #[test]
    fn a_value_that_has_no_place_in_a_file_is_told_by_its_column() {
        let FormatError(message) = content(&config(), &batch(vec![i64::MAX])).unwrap_err();
        assert!(message.starts_with("column \"at\": "), "{message}");
    }
}
