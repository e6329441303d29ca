//! Arrow's IPC streams, each with the rows of one batch.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::error::ArrowError;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;

use crate::FormatError;

/// The stream of rows.
pub fn stream(rows: &RecordBatch) -> Result<Vec<u8>, FormatError> {
    let written = || {
        let mut writer = StreamWriter::try_new(Vec::new(), &rows.schema())?;
        writer.write(rows)?;
        writer.into_inner()
    };
    written().map_err(|error: ArrowError| FormatError(error.to_string()))
}

/// The rows of a stream.
pub fn rows(stream: &[u8]) -> Result<RecordBatch, FormatError> {
    let read = || {
        let reader = StreamReader::try_new(stream, None)?;
        let schema = reader.schema();
        concat_batches(&schema, &reader.collect::<Result<Vec<_>, _>>()?)
    };
    read().map_err(|error: ArrowError| FormatError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringArray};

    use super::*;

    #[test]
    fn a_stream_has_the_rows_that_it_was_made_of() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("")]));
        let batch = RecordBatch::try_from_iter([("text", texts)]).unwrap();
        assert_eq!(rows(&stream(&batch).unwrap()).unwrap(), batch);
        assert!(rows(b"no stream").is_err());
    }
}
