//! The body of one request: rows are added to a batch, which becomes bytes that do not change any more.

use std::io::{self, Read, Write};

use arrow::datatypes::SchemaRef;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use millrace_plan::{HttpBody, HttpCompression};

use super::columns::Columns;

/// Rows that are being gathered for a request.
#[derive(Debug)]
pub struct Batch {
    layout: HttpBody,
    bytes: Vec<u8>,
    ends: Vec<u32>,
    /// What the rows become where they do not stand behind each other.
    columns: Option<Columns>,
}

impl Batch {
    pub fn new(layout: HttpBody) -> Batch {
        Batch { layout, bytes: Vec::new(), ends: Vec::new(), columns: None }
    }

    /// The columns of the rows that come.
    pub fn begin(&mut self, schema: Option<&SchemaRef>) {
        self.columns = schema.and_then(|schema| Columns::of(self.layout, schema));
    }

    pub fn rows(&self) -> usize {
        self.ends.len()
    }

    /// Before compression.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a row; key and version go into the line before it, where there is one.
    pub fn push(&mut self, value: &[u8], key: Option<&[u8]>, version: Option<&[u8]>) {
        match (self.layout, self.ends.is_empty()) {
            (HttpBody::Array, true) => self.bytes.push(b'['),
            (HttpBody::Array, false) => self.bytes.push(b','),
            (HttpBody::Lines | HttpBody::Joined | HttpBody::Arrow | HttpBody::Parquet(_), _) => {}
            (HttpBody::Bulk, _) => self.action(key, version),
        }
        self.bytes.extend_from_slice(value);
        self.end_row();
    }

    fn end_row(&mut self) {
        self.ends.push(self.bytes.len() as u32);
        if matches!(self.layout, HttpBody::Lines | HttpBody::Bulk) {
            self.bytes.push(b'\n');
        }
    }

    fn action(&mut self, key: Option<&[u8]>, version: Option<&[u8]>) {
        self.bytes.extend_from_slice(br#"{"index":{"#);
        if let Some(key) = key {
            self.bytes.extend_from_slice(br#""_id":"#);
            quote(key, &mut self.bytes);
            if let Some(version) = version {
                self.bytes.extend_from_slice(br#","version_type":"external","version":"#);
                self.bytes.extend_from_slice(version);
            }
        }
        self.bytes.extend_from_slice(b"}}\n");
    }

    /// Takes the rows out.
    pub fn finish(&mut self, compression: HttpCompression) -> io::Result<Body> {
        let room = self.bytes.len();
        let mut bytes = std::mem::replace(&mut self.bytes, Vec::with_capacity(room));
        if self.layout == HttpBody::Array {
            bytes.push(b']');
        }
        let ends = std::mem::take(&mut self.ends);
        let size = bytes.len();
        let columns = self.columns.take();
        if let Some(columns) = &columns {
            bytes = columns.body((0..ends.len()).map(|row| between(&bytes, &ends, row, 0)))?;
        }
        Ok(Body { layout: self.layout, columns, compression, sent: compressed(bytes, compression)?, ends, size })
    }
}

/// The rows of a request, as they are sent.
#[derive(Debug)]
pub struct Body {
    layout: HttpBody,
    columns: Option<Columns>,
    compression: HttpCompression,
    sent: Vec<u8>,
    /// Where each row ends before compression; the next one begins a byte later, or right there where there is nothing between
    /// them. Rows that have become columns are only counted.
    ends: Vec<u32>,
    /// Bytes before compression.
    pub size: usize,
}

impl Body {
    pub fn sent(&self) -> &[u8] {
        &self.sent
    }

    pub fn rows(&self) -> usize {
        self.ends.len()
    }

    /// The body of a request with some of the rows only.
    pub fn part(&self, rows: &[u32]) -> io::Result<Vec<u8>> {
        let plain = self.plain()?;
        if let Some(columns) = &self.columns {
            return compressed(columns.part(&plain, rows)?, self.compression);
        }
        let mut part = Batch::new(self.layout);
        for &row in rows {
            if self.layout == HttpBody::Array {
                part.push(self.row(&plain, row), None, None);
            } else {
                part.bytes.extend_from_slice(self.row(&plain, row));
                part.end_row();
            }
        }
        Ok(part.finish(self.compression)?.sent)
    }

    /// The records of some of the rows; where they are columns, a body of each.
    pub fn values(&self, rows: &[u32]) -> io::Result<Vec<Vec<u8>>> {
        let plain = self.plain()?;
        if let Some(columns) = &self.columns {
            return columns.values(&plain, rows);
        }
        Ok(rows.iter().map(|&row| self.value(self.row(&plain, row)).to_vec()).collect())
    }

    fn value<'a>(&self, row: &'a [u8]) -> &'a [u8] {
        let action = if self.layout == HttpBody::Bulk { memchr::memchr(b'\n', row) } else { None };
        action.map_or(row, |end| &row[end + 1..])
    }

    /// As it stands in the plain body; nothing beyond the last.
    fn row<'a>(&self, plain: &'a [u8], row: u32) -> &'a [u8] {
        let (row, first) = (row as usize, usize::from(self.layout == HttpBody::Array));
        let gap = usize::from(self.layout != HttpBody::Joined);
        if row == 0 {
            return self.ends.first().and_then(|&end| plain.get(first..end as usize)).unwrap_or_default();
        }
        between(plain, &self.ends, row, gap)
    }

    fn plain(&self) -> io::Result<std::borrow::Cow<'_, [u8]>> {
        let mut plain = Vec::new();
        match self.compression {
            HttpCompression::None => return Ok(self.sent.as_slice().into()),
            HttpCompression::Gzip => GzDecoder::new(self.sent.as_slice()).read_to_end(&mut plain)?,
            HttpCompression::Zstd => zstd::Decoder::new(self.sent.as_slice())?.read_to_end(&mut plain)?,
            HttpCompression::Snappy => return Ok(snap::raw::Decoder::new().decompress_vec(&self.sent)?.into()),
        };
        Ok(plain.into())
    }
}

/// A row of those that end where `ends` says, with `gap` bytes between them; nothing beyond the last.
fn between<'a>(plain: &'a [u8], ends: &[u32], row: usize, gap: usize) -> &'a [u8] {
    let start = row.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |&before| before as usize + gap);
    ends.get(row).and_then(|&end| plain.get(start..end as usize)).unwrap_or_default()
}

fn compressed(bytes: Vec<u8>, compression: HttpCompression) -> io::Result<Vec<u8>> {
    match compression {
        HttpCompression::None => Ok(bytes),
        HttpCompression::Snappy => Ok(snap::raw::Encoder::new().compress_vec(&bytes)?),
        HttpCompression::Gzip => {
            let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), flate2::Compression::fast());
            encoder.write_all(&bytes)?;
            encoder.finish()
        }
        HttpCompression::Zstd => zstd::bulk::compress(&bytes, zstd::DEFAULT_COMPRESSION_LEVEL),
    }
}

/// Writes a key as a JSON string; what is not text in it becomes question marks.
fn quote(key: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for char in String::from_utf8_lossy(key).chars() {
        match char {
            '"' | '\\' => out.extend_from_slice(&[b'\\', char as u8]),
            '\0'..='\x1f' => out.extend_from_slice(format!("\\u{:04x}", char as u32).as_bytes()),
            _ => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn body(layout: HttpBody, compression: HttpCompression, rows: &[&str]) -> Body {
        let mut batch = Batch::new(layout);
        for row in rows {
            batch.push(row.as_bytes(), Some(row.as_bytes()), None);
        }
        batch.finish(compression).unwrap()
    }

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn rows_become_lines_or_an_array() {
        let rows = ["{\"a\":1}", "{}"];
        assert_eq!(text(body(HttpBody::Lines, HttpCompression::None, &rows).sent()), "{\"a\":1}\n{}\n");
        assert_eq!(text(body(HttpBody::Array, HttpCompression::None, &rows).sent()), "[{\"a\":1},{}]");
    }

    #[test]
    fn a_bulk_names_key_and_version_before_each_row() {
        let mut batch = Batch::new(HttpBody::Bulk);
        batch.push(b"{}", Some(b"a\"b\n"), Some(b"7"));
        batch.push(b"{}", Some("ü".as_bytes()), None);
        batch.push(b"{}", None, Some(b"8"));
        assert_eq!(
            text(batch.finish(HttpCompression::None).unwrap().sent()),
            "{\"index\":{\"_id\":\"a\\\"b\\u000a\",\"version_type\":\"external\",\"version\":7}}\n{}\n\
             {\"index\":{\"_id\":\"ü\"}}\n{}\n\
             {\"index\":{}}\n{}\n"
        );
    }

    #[test]
    fn a_batch_that_is_finished_begins_anew() {
        let mut batch = Batch::new(HttpBody::Array);
        for _ in 0..2 {
            batch.push(b"1", None, None);
            assert_eq!(batch.rows(), 1);
            assert_eq!(text(batch.finish(HttpCompression::None).unwrap().sent()), "[1]");
        }
        assert_eq!((batch.rows(), batch.bytes()), (0, 0));
    }

    #[test]
    fn some_rows_can_be_taken_out_of_any_body() {
        let rows = ["first", "", "third", "fourth"];
        let compressions =
            [HttpCompression::None, HttpCompression::Gzip, HttpCompression::Zstd, HttpCompression::Snappy];
        for compression in compressions {
            for layout in [HttpBody::Lines, HttpBody::Array, HttpBody::Bulk, HttpBody::Joined] {
                let whole = body(layout, compression, &rows);
                let part = body(layout, compression, &[rows[0], rows[2]]);
                assert_eq!(whole.part(&[0, 2]).unwrap(), part.sent(), "{layout:?} {compression:?}");
                let values = whole.values(&[1, 3, 9]).unwrap();
                assert_eq!(values, [&b""[..], b"fourth", b""], "{layout:?} {compression:?}");
            }
        }
    }
}
