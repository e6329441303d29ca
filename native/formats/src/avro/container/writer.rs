//! Rows to a container.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use millrace_plan::{AvroFile, Codec};

use super::{CODEC, MAGIC, Marker, SCHEMA, codec};
use crate::avro::AvroEncoder;
use crate::avro::cursor::write_long;
use crate::file::FileWriter;
use crate::{Encoder, Rows};

/// A block ends at this size before compression, as those of other writers do.
const BLOCK_BYTES: usize = 64 << 10;

pub struct AvroFileWriter<W> {
    output: W,
    /// Bytes written.
    bytes: u64,
    encoder: AvroEncoder,
    codec: Codec,
    marker: Marker,
    /// Records of the block that is being filled.
    block: Rows,
}

impl<W: Write> AvroFileWriter<W> {
    pub fn new(config: &AvroFile, rows: &SchemaRef, output: W) -> io::Result<Self> {
        let schema =
            config.schema.as_deref().ok_or_else(|| io::Error::other("Avro needs the schema that is written"))?;
        let encoder = AvroEncoder::new(schema, None, rows.clone()).map_err(io::Error::other)?;
        let random = || RandomState::new().build_hasher().finish();
        let mut marker = Marker::default();
        marker[..8].copy_from_slice(&random().to_be_bytes());
        marker[8..].copy_from_slice(&random().to_be_bytes());
        let codec = config.codec;
        let mut writer = AvroFileWriter { output, bytes: 0, encoder, codec, marker, block: Rows::default() };
        let mut header = MAGIC.to_vec();
        write_long(2, &mut header);
        for (key, value) in [(SCHEMA, schema), (CODEC, codec::name(codec))] {
            for text in [key, value] {
                write_long(text.len() as i64, &mut header);
                header.extend_from_slice(text.as_bytes());
            }
        }
        write_long(0, &mut header);
        header.extend(marker);
        writer.put(&header)?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        self.output.write_all(bytes)
    }
}

impl<W: Write> FileWriter<W> for AvroFileWriter<W> {
    fn write(&mut self, rows: &RecordBatch) -> io::Result<()> {
        let mut from = 0;
        while from < rows.num_rows() {
            let before = self.block.len();
            // No more at a time than a block or two have.
            let at_once = if before == 0 { 256 } else { (BLOCK_BYTES * before / self.block.bytes().max(1)).max(1) };
            let part = rows.slice(from, at_once.min(rows.num_rows() - from));
            self.encoder.encode(&part, &mut self.block);
            if let Some(failure) = self.encoder.take_failure() {
                return Err(io::Error::new(ErrorKind::InvalidData, failure));
            }
            from += part.num_rows();
            if self.block.bytes() >= BLOCK_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.bytes + self.block.bytes() as u64
    }

    fn held_bytes(&self) -> usize {
        self.block.bytes()
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let content = codec::compress(self.codec, self.block.buffer())?;
        let mut head = Vec::with_capacity(20);
        write_long(self.block.len() as i64, &mut head);
        write_long(content.len() as i64, &mut head);
        self.put(&head)?;
        self.put(&content)?;
        self.put(&self.marker.clone())?;
        self.block.clear();
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<W> {
        self.flush()?;
        Ok(self.output)
    }
}
