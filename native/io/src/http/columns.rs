//! Bodies whose rows are columns.

use std::io;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use millrace_formats::{FormatError, arrow_stream, gathered, parquet};
use millrace_plan::{HttpBody, Parquet};

/// How the rows of one request become a body, and come out of it again.
#[derive(Debug, Clone)]
pub struct Columns {
    layout: Layout,
    schema: SchemaRef,
}

#[derive(Debug, Clone, Copy)]
enum Layout {
    Arrow,
    Parquet(Parquet),
}

impl Columns {
    /// `None` where the rows of a body stand behind each other.
    pub fn of(body: HttpBody, schema: &SchemaRef) -> Option<Columns> {
        let layout = match body {
            HttpBody::Arrow => Layout::Arrow,
            HttpBody::Parquet(config) => Layout::Parquet(config),
            HttpBody::Lines | HttpBody::Array | HttpBody::Bulk | HttpBody::Joined => return None,
        };
        Some(Columns { layout, schema: schema.clone() })
    }

    /// The body of rows as they are gathered.
    pub fn body<'a>(&self, rows: impl IntoIterator<Item = &'a [u8]>) -> io::Result<Vec<u8>> {
        gathered::columns(&self.schema, rows).and_then(|rows| self.written(&rows)).map_err(io_error)
    }

    /// A body with some of the rows of another.
    pub fn part(&self, body: &[u8], rows: &[u32]) -> io::Result<Vec<u8>> {
        let whole = self.rows(body)?;
        self.written(&taken(&whole, rows)?).map_err(io_error)
    }

    /// Some of the rows of a body, as a body each.
    pub fn values(&self, body: &[u8], rows: &[u32]) -> io::Result<Vec<Vec<u8>>> {
        let whole = self.rows(body)?;
        rows.iter().map(|&row| self.written(&taken(&whole, &[row])?).map_err(io_error)).collect()
    }

    fn written(&self, rows: &RecordBatch) -> Result<Vec<u8>, FormatError> {
        match &self.layout {
            Layout::Arrow => arrow_stream::stream(rows),
            Layout::Parquet(config) => parquet::content(config, rows),
        }
    }

    fn rows(&self, body: &[u8]) -> io::Result<RecordBatch> {
        match self.layout {
            Layout::Arrow => arrow_stream::rows(body),
            Layout::Parquet(_) => parquet::rows(&self.schema, body.to_vec()),
        }
        .map_err(io_error)
    }
}

/// Those of the rows that there are.
fn taken(whole: &RecordBatch, rows: &[u32]) -> io::Result<RecordBatch> {
    let there = rows.iter().copied().filter(|&row| (row as usize) < whole.num_rows());
    take_record_batch(whole, &UInt32Array::from_iter_values(there)).map_err(io::Error::other)
}

fn io_error(FormatError(message): FormatError) -> io::Error {
    io::Error::other(message)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampSecondArray};
    use millrace_formats::{Encoder, Rows};
    use millrace_plan::{Codec, HttpCompression};

    use super::super::batch::{Batch, Body};
    use super::*;

    fn rows() -> RecordBatch {
        let columns: [(&str, ArrayRef); 3] = [
            ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
            ("text", Arc::new(StringArray::from(vec![Some("a"), None, Some("")]))),
            ("at", Arc::new(TimestampSecondArray::from(vec![7, 8, 9]).with_timezone("UTC"))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
    }

    fn body(layout: HttpBody, compression: HttpCompression, of: &[usize]) -> Body {
        let (rows, mut encoded) = (rows(), Rows::default());
        gathered::GatheredEncoder::new(&rows.schema()).unwrap().encode(&rows, &mut encoded);
        let mut batch = Batch::new(layout);
        batch.begin(Some(&rows.schema()));
        of.iter().for_each(|&row| batch.push(encoded.get(row).unwrap(), None, None));
        let bytes = batch.bytes();
        let body = batch.finish(compression).unwrap();
        assert_eq!((body.rows(), body.size), (of.len(), bytes));
        body
    }

    #[test]
    fn a_body_has_its_rows_and_they_can_be_taken_out_again() {
        let parquet = Parquet { codec: Codec::Snappy, row_group_rows: 2, row_group_bytes: 1 << 20 };
        for layout in [HttpBody::Arrow, HttpBody::Parquet(parquet)] {
            let of = |rows: &[usize]| body(layout, HttpCompression::None, rows).sent().to_vec();
            let columns = Columns::of(layout, &rows().schema()).unwrap();
            assert_eq!(columns.rows(&of(&[0, 1, 2])).unwrap(), rows(), "{layout:?}");
            let whole = body(layout, HttpCompression::Zstd, &[0, 1, 2]);
            assert_eq!(whole.part(&[0, 2, 9]).unwrap(), body(layout, HttpCompression::Zstd, &[0, 2]).sent());
            assert_eq!(whole.values(&[1, 2]).unwrap(), [of(&[1]), of(&[2])], "{layout:?}");
        }
    }
}
