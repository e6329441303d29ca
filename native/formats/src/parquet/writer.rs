//! Rows to a Parquet file.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use millrace_plan::{Codec, Parquet};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::file::FileWriter;

pub struct ParquetWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
    /// What the columns are written as.
    schema: SchemaRef,
    /// That of the rows is another.
    casts: bool,
}

impl<W: Write + Send> ParquetWriter<W> {
    pub fn new(config: &Parquet, rows: &SchemaRef, output: W) -> io::Result<Self> {
        let fields: Vec<FieldRef> = rows.fields().iter().map(written).collect();
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder()
            .set_created_by(concat!("millrace version ", env!("CARGO_PKG_VERSION")).into())
            .set_compression(compression(config.codec))
            .set_max_row_group_row_count(Some(config.row_group_rows))
            .set_max_row_group_bytes(Some(config.row_group_bytes))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_coerce_types(true)
            .build();
        // Other readers know no schemas of Arrow, and Parquet's says the same.
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(output, schema.clone(), options).map_err(failed)?;
        Ok(ParquetWriter { writer, casts: schema != *rows, schema })
    }
}

impl<W: Write + Send> FileWriter<W> for ParquetWriter<W> {
    fn write(&mut self, rows: &RecordBatch) -> io::Result<()> {
        if !self.casts {
            return self.writer.write(rows).map_err(failed);
        }
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        let columns = rows.columns().iter().zip(self.schema.fields());
        let columns = columns.map(|(column, field)| match column.data_type() == field.data_type() {
            true => Ok(column.clone()),
            false => cast_with_options(column, field.data_type(), &strict).map_err(|error| {
                io::Error::new(ErrorKind::InvalidData, format!("column \"{}\": {error}", field.name()))
            }),
        });
        let rows = RecordBatch::try_new(self.schema.clone(), columns.collect::<io::Result<_>>()?);
        self.writer.write(&rows.map_err(io::Error::other)?).map_err(failed)
    }

    fn bytes(&self) -> u64 {
        (self.writer.bytes_written() + self.writer.in_progress_size()) as u64
    }

    fn held_bytes(&self) -> usize {
        self.writer.memory_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush().map_err(failed)
    }

    fn finish(self: Box<Self>) -> io::Result<W> {
        self.writer.into_inner().map_err(failed)
    }
}

/// A column as it is written: Parquet has no timestamps in seconds.
fn written(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Timestamp(TimeUnit::Second, zone) => DataType::Timestamp(TimeUnit::Millisecond, zone.clone()),
        DataType::List(item) => DataType::List(written(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(written).collect()),
        other => other.clone(),
    };
    Arc::new(Field::new(field.name(), data_type, field.is_nullable()))
}

fn compression(codec: Codec) -> Compression {
    match codec {
        Codec::None => Compression::UNCOMPRESSED,
        Codec::Deflate | Codec::Gzip => Compression::GZIP(GzipLevel::default()),
        Codec::Lz4 => Compression::LZ4_RAW,
        Codec::Snappy => Compression::SNAPPY,
        Codec::Zstd => Compression::ZSTD(ZstdLevel::default()),
    }
}

fn failed(error: ParquetError) -> io::Error {
    match error {
        // What the disk said.
        ParquetError::External(error) => match error.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}
