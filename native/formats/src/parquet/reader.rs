//! A Parquet file to rows.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::datatypes::SchemaRef;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::reader::ChunkReader;

use super::columns::Columns;
use crate::BadRecord;
use crate::bad_record::bad_record;
use crate::file::{FileReader, Part};

/// Rows that are decoded at once, as many as a batch of the engine has.
const BATCH_ROWS: usize = 8192;

pub struct ParquetReader {
    state: State,
    /// The row that the next part begins with.
    row: u64,
}

enum State {
    Rows {
        reader: Box<ParquetRecordBatchReader>,
        columns: Columns,
        parts: std::vec::IntoIter<Part>,
    },
    /// What is still to be told of a file that cannot be read.
    Damaged(BadRecord),
    Ended,
}

impl ParquetReader {
    pub fn open(columns: &SchemaRef, file: impl ChunkReader + 'static, start: u64) -> io::Result<Self> {
        Ok(match guarded(|| opened(columns, file, start))? {
            Ok(Opened::Rows(row, state)) => ParquetReader { row, state },
            Ok(Opened::Unfit(reason)) => ParquetReader { row: start, state: State::Damaged(reason) },
            Err(reason) => ParquetReader { row: start, state: State::Damaged(damage(&reason)) },
        })
    }
}

enum Opened {
    Rows(u64, State),
    Unfit(BadRecord),
}

fn opened(columns: &SchemaRef, file: impl ChunkReader + 'static, start: u64) -> parquet::errors::Result<Opened> {
    // What Arrow's own schema says beyond Parquet's concerns types that columns do not have.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata = ArrowReaderMetadata::load(&file, options)?;
    let rows = metadata.metadata().row_groups().iter().map(|group| group.num_rows().max(0) as u64);
    let total = rows.fold(0u64, u64::saturating_add);
    if total <= start {
        return Ok(Opened::Rows(total, State::Ended));
    }
    let columns = match Columns::new(columns, metadata.schema(), metadata.parquet_schema()) {
        Ok(columns) => columns,
        Err(reason) => return Ok(Opened::Unfit(*reason)),
    };
    let mask = ProjectionMask::roots(metadata.parquet_schema(), columns.roots().iter().copied());
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .with_offset(start as usize)
        .build()?;
    Ok(Opened::Rows(start, State::Rows { reader: Box::new(reader), columns, parts: Vec::new().into_iter() }))
}

impl FileReader for ParquetReader {
    fn next(&mut self, _max_rows: usize) -> io::Result<Option<Part>> {
        loop {
            let State::Rows { reader, columns, parts } = &mut self.state else { return Ok(self.last()) };
            if let Some(part) = parts.next() {
                self.row += match &part {
                    Part::Rows(rows) => rows.num_rows() as u64,
                    Part::Bad { rows, .. } => *rows,
                    Part::Damaged(_) => 0,
                };
                return Ok(Some(part));
            }
            let read = guarded(|| match reader.next().transpose()? {
                None => Ok(None),
                Some(batch) => Ok(Some(columns.convert(&batch)?)),
            })?;
            match read {
                Ok(Some(read)) => *parts = read.into_iter(),
                Ok(None) => self.state = State::Ended,
                Err(reason) => self.state = State::Damaged(damage(&reason)),
            }
        }
    }

    fn row(&self) -> u64 {
        self.row
    }
}

impl ParquetReader {
    fn last(&mut self) -> Option<Part> {
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Damaged(reason) => Some(Part::Damaged(reason)),
            _ => None,
        }
    }
}

/// Runs what reads a file that may be damaged in any way. The outer error is the disk's, the inner one tells of damage.
fn guarded<T>(read: impl FnOnce() -> parquet::errors::Result<T>) -> io::Result<Result<T, String>> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(Ok(value)),
        Ok(Err(ParquetError::External(error))) => match error.downcast::<io::Error>() {
            Ok(error) if error.kind() != io::ErrorKind::UnexpectedEof && error.raw_os_error().is_some() => Err(*error),
            Ok(error) => Ok(Err(error.to_string())),
            Err(other) => Ok(Err(other.to_string())),
        },
        Ok(Err(error)) => Ok(Err(error.to_string())),
        Err(_) => Ok(Err("its pages contradict each other".into())),
    }
}

fn damage(reason: &str) -> BadRecord {
    *bad_record(format!(
        "it is no Parquet file, or is damaged, or was read before it was complete ({reason}): put a whole one in its place, and \
         give files their names when they are complete"
    ))
}
