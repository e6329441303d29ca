//! Files whose rows do not stand one a line: Parquet, and Avro's containers. A format has a writer and a reader, registered in
//! [`file_writer`] and [`file_reader`].

use std::fs::File;
use std::io::{self, ErrorKind, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use millrace_plan::FileFormat;

use crate::BadRecord;
use crate::avro::{AvroFileReader, AvroFileWriter};
use crate::parquet::{ParquetReader, ParquetWriter};

/// Writes one file.
///
/// A row that has no place in the file is an error of kind `InvalidData`, and the file is of no use then.
pub trait FileWriter<W> {
    /// Appends rows of the schema that the writer was made for.
    fn write(&mut self, rows: &RecordBatch) -> io::Result<()>;

    /// Bytes that the file would have if it ended here, or nearly so.
    fn bytes(&self) -> u64;

    /// Bytes of memory that wait to be written.
    fn held_bytes(&self) -> usize;

    /// Writes what waits.
    fn flush(&mut self) -> io::Result<()>;

    /// Ends the file and gives back what it was written to.
    fn finish(self: Box<Self>) -> io::Result<W>;
}

/// What comes next in a file.
#[derive(Debug)]
pub enum Part {
    Rows(RecordBatch),
    /// So many rows that cannot be read: one that is bad, or what is lost with a block.
    Bad {
        rows: u64,
        reason: BadRecord,
    },
    /// Nothing behind this place can be read.
    Damaged(BadRecord),
}

/// Reads one file from a row on. What is wrong with the file is a [`Part`]; an error is the disk's.
pub trait FileReader {
    /// The next part, of about so many rows at most; `None` at the end.
    fn next(&mut self, max_rows: usize) -> io::Result<Option<Part>>;

    /// The number of the row that comes next, from 0. One before the row to start at: the file has no more.
    fn row(&self) -> u64;
}

/// A writer of rows of `schema`.
pub fn file_writer<W: Write + Send + 'static>(
    format: &FileFormat,
    schema: &SchemaRef,
    output: W,
) -> io::Result<Box<dyn FileWriter<W>>> {
    Ok(match format {
        FileFormat::Parquet(parquet) => Box::new(ParquetWriter::new(parquet, schema, output)?),
        FileFormat::Avro(avro) => Box::new(AvroFileWriter::new(avro, schema, output)?),
        FileFormat::Lines => return Err(lines()),
    })
}

/// A reader of `columns` from row `start` on.
pub fn file_reader(
    format: &FileFormat,
    columns: &SchemaRef,
    file: File,
    start: u64,
) -> io::Result<Box<dyn FileReader>> {
    Ok(match format {
        FileFormat::Parquet(_) => Box::new(ParquetReader::open(columns, file, start)?),
        FileFormat::Avro(avro) => Box::new(AvroFileReader::open(avro, columns, file, start)?),
        FileFormat::Lines => return Err(lines()),
    })
}

fn lines() -> io::Error {
    io::Error::new(ErrorKind::Unsupported, "files with a record a line are read and written by their lines")
}
