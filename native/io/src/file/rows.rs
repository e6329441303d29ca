//! One file of a source that decodes it, by its rows.

use std::fs::File;
use std::io;
use std::path::Path;

use arrow::datatypes::SchemaRef;
use millrace_formats::{FileReader, Part, file_reader};
use millrace_plan::FileFormat;

use super::restored;
use super::source::WHO;
use crate::{Error, Receiver, Record, Restored, Result};

/// How the rows of files are read.
#[derive(Clone)]
pub struct RowsOf {
    pub format: FileFormat,
    pub columns: SchemaRef,
}

/// A file that has rows and no lines.
pub struct Rows {
    of: RowsOf,
    /// `None` before it is reached and after it has ended.
    reader: Option<Box<dyn FileReader>>,
}

impl Rows {
    pub fn new(of: RowsOf) -> Rows {
        Rows { of, reader: None }
    }

    pub fn close(&mut self) {
        self.reader = None;
    }

    /// Gives out rows of the file at a path, which is told of by its name; says how many, and whether it has ended. What cannot
    /// be read ends it.
    pub fn read<R: Receiver>(
        &mut self,
        (name, path): (&str, &Path),
        start: i64,
        split: usize,
        max_rows: usize,
        receiver: &mut R,
    ) -> std::result::Result<(usize, bool), R::Error> {
        if start == Restored::READ_TO_END {
            return Ok((0, true));
        }
        let mut given = 0;
        while given < max_rows {
            let reader = match &mut self.reader {
                Some(reader) => reader,
                none => none.insert(self.of.open(path, start).map_err(|error| failed(name, &error))?),
            };
            let row = reader.row() as i64;
            let record = Record { split, offset: row, timestamp: None, key: None, value: None };
            match reader.next(max_rows - given).map_err(|error| failed(name, &error))? {
                Some(Part::Rows(rows)) => {
                    given += rows.num_rows();
                    let first = reader.row() as i64 - rows.num_rows() as i64;
                    receiver.rows(split, first, rows)?;
                }
                Some(Part::Bad { rows, reason }) => {
                    given += 1;
                    receiver.unreadable(record, row + rows as i64, &reason)?;
                }
                Some(Part::Damaged(mut reason)) => {
                    let so_far = if row > 0 { format!("after {row} rows, ") } else { String::new() };
                    reason.message.insert_str(0, &so_far);
                    receiver.unreadable(record, Restored::READ_TO_END, &reason)?;
                    self.close();
                    return Ok((given + 1, true));
                }
                None => {
                    check_length(name, start, reader.row() as i64)?;
                    self.close();
                    return Ok((given, true));
                }
            }
        }
        Ok((given, false))
    }
}

impl RowsOf {
    fn open(&self, path: &Path, start: i64) -> io::Result<Box<dyn FileReader>> {
        file_reader(&self.format, &self.columns, File::open(path)?, start as u64)
    }
}

/// A file that is not as long as it was is another.
fn check_length(name: &str, start: i64, rows: i64) -> Result<()> {
    if rows >= start { Ok(()) } else { Err(restored::too_few_rows(name, start, rows)) }
}

fn failed(name: &str, error: &io::Error) -> Error {
    Error(format!("{WHO}: {name}: {error}. Check the file."))
}
