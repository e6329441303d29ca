//! A container to rows.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use arrow::datatypes::SchemaRef;
use millrace_plan::{AvroFile, Codec};

use super::codec::{self, MAX_BLOCK_BYTES};
use super::{CODEC, MAGIC, Marker, SCHEMA};
use crate::BadRecord;
use crate::avro::compile::{MAX_PARTS, compile};
use crate::avro::cursor::Cursor;
use crate::avro::program::Program;
use crate::avro::schema;
use crate::avro::skip::{self, Skip};
use crate::bad_record::bad_record;
use crate::builders::RowBuilder;
use crate::file::{FileReader, Part};

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// A header that is larger is no header.
const MAX_HEADER_BYTES: usize = 64 << 20;

/// Bytes of records after which a batch ends, as in the engine.
const BATCH_BYTES: usize = 4 << 20;

/// Records without any bytes, as those of no fields are, in a block.
const MAX_EMPTY_RECORDS: usize = 1 << 20;

pub struct AvroFileReader {
    input: BufReader<File>,
    state: State,
    row: u64,
    /// Rows before this one are passed over.
    start: u64,
}

enum State {
    Blocks(Box<Blocks>),
    /// What is still to be told of a file that cannot be read.
    Damaged(BadRecord),
    Ended,
}

struct Blocks {
    program: Program,
    /// Steps over a whole record.
    skips: Vec<Skip>,
    rows: RowBuilder,
    codec: Codec,
    marker: Marker,
    block: Vec<u8>,
    /// Bytes of the block that are read, and records that are left in it.
    at: usize,
    left: u64,
    /// What follows the rows that were read last.
    then: Option<Part>,
}

/// Why reading cannot go on.
enum Stop {
    Disk(io::Error),
    Damage(String),
    /// The columns cannot be read from the file's schema.
    Unfit(BadRecord),
}

type Outcome<T> = Result<T, Stop>;

impl AvroFileReader {
    pub fn open(config: &AvroFile, columns: &SchemaRef, file: File, start: u64) -> io::Result<Self> {
        let mut input = BufReader::with_capacity(BUFFER_BYTES, file);
        let state = match opened(config, columns, &mut input) {
            Ok(blocks) => State::Blocks(Box::new(blocks)),
            Err(stop) => State::Damaged(told(stop)?),
        };
        Ok(AvroFileReader { input, row: if matches!(state, State::Blocks(_)) { 0 } else { start }, state, start })
    }
}

fn opened(config: &AvroFile, columns: &SchemaRef, input: &mut impl BufRead) -> Outcome<Blocks> {
    let Header { schema, codec, marker } = header(input)?;
    let unfit = |error: crate::FormatError| Stop::Unfit(*bad_record(error.0));
    let writer = schema::parse(&schema, &[]).map_err(unfit)?;
    let reader = config.reader_schema.as_deref().map(|text| schema::parse(text, &[])).transpose().map_err(unfit)?;
    let program = compile(&writer, reader.as_deref(), columns.fields()).map_err(|bad| Stop::Unfit(*bad))?;
    let (mut skips, mut budget) = (Vec::new(), MAX_PARTS);
    if !skip::append(&writer, &mut skips, &mut budget) {
        return Err(Stop::Unfit(*bad_record("the schema has too many parts")));
    }
    let rows = RowBuilder::new(columns.clone());
    Ok(Blocks { program, skips, rows, codec, marker, block: Vec::new(), at: 0, left: 0, then: None })
}

struct Header {
    schema: String,
    codec: Codec,
    marker: Marker,
}

fn header(input: &mut impl BufRead) -> Outcome<Header> {
    let mut magic = [0; 4];
    exactly(input, &mut magic)?;
    if magic != MAGIC {
        return Err(Stop::Damage("it does not begin as containers do".into()));
    }
    let (mut schema, mut codec, mut budget) = (None, Codec::None, MAX_HEADER_BYTES);
    loop {
        let mut entries = long(input)?;
        if entries == 0 {
            break;
        }
        if entries < 0 {
            // How many bytes the block has.
            long(input)?;
            entries = entries.saturating_neg();
        }
        for _ in 0..entries {
            let key = sized(input, &mut budget)?;
            let value = sized(input, &mut budget)?;
            if key == SCHEMA.as_bytes() {
                let text = String::from_utf8(value).map_err(|_| Stop::Damage("its schema is no text".into()))?;
                schema = Some(text);
            } else if key == CODEC.as_bytes() {
                codec = codec::of_name(&value).ok_or_else(|| {
                    let name = String::from_utf8_lossy(&value);
                    Stop::Unfit(*bad_record(format!(
                        "its codec \"{name}\" is none of null, deflate, snappy, zstandard: write it with another one"
                    )))
                })?;
            }
        }
    }
    let schema = schema.ok_or_else(|| Stop::Damage("it has no schema".into()))?;
    let mut marker = Marker::default();
    exactly(input, &mut marker)?;
    Ok(Header { schema, codec, marker })
}

impl FileReader for AvroFileReader {
    fn next(&mut self, max_rows: usize) -> io::Result<Option<Part>> {
        let AvroFileReader { input, state, row, start } = self;
        let State::Blocks(blocks) = state else {
            return Ok(match std::mem::replace(state, State::Ended) {
                State::Damaged(reason) => Some(Part::Damaged(reason)),
                _ => None,
            });
        };
        if blocks.rows.len() == 0 && blocks.then.is_none() {
            match blocks.fill(input, row, *start, max_rows) {
                Ok(true) => {}
                Ok(false) => *state = State::Ended,
                Err(stop) => {
                    let (reason, rows) = (told(stop)?, blocks.rows.finish());
                    *state = State::Damaged(reason);
                    if rows.num_rows() > 0 {
                        *row += rows.num_rows() as u64;
                        return Ok(Some(Part::Rows(rows)));
                    }
                }
            }
        }
        match state {
            State::Blocks(blocks) if blocks.rows.len() > 0 => {
                let rows = blocks.rows.finish();
                *row += rows.num_rows() as u64;
                Ok(Some(Part::Rows(rows)))
            }
            State::Blocks(blocks) => {
                let then = blocks.then.take();
                if let Some(Part::Bad { rows, .. }) = &then {
                    *row += rows;
                }
                Ok(then)
            }
            _ => self.next(max_rows),
        }
    }

    fn row(&self) -> u64 {
        self.row
    }
}

impl Blocks {
    /// Reads rows, or what is wrong with one; false at the end of the file. `row` is where the rows begin.
    fn fill(&mut self, input: &mut BufReader<File>, row: &mut u64, start: u64, max_rows: usize) -> Outcome<bool> {
        let mut bytes = 0;
        while self.rows.len() < max_rows && bytes < BATCH_BYTES && !self.rows.is_full() {
            if self.left == 0 {
                if !self.next_block(input, row, start)? {
                    return Ok(self.rows.len() > 0);
                }
                continue;
            }
            let record = &self.block[self.at..];
            let mut cursor = Cursor::new(record);
            if *row < start {
                // Nothing is held yet.
                match skip::run(&self.skips, &mut cursor) {
                    Ok(()) => {
                        (self.at, self.left) = (self.block.len() - cursor.left(), self.left - 1);
                        *row += 1;
                        self.at_end()?;
                        continue;
                    }
                    Err(_) if *row + self.left <= start => {
                        *row += std::mem::take(&mut self.left);
                        continue;
                    }
                    Err(bad) => {
                        self.then = Some(self.lost(*bad));
                        return Ok(true);
                    }
                }
            }
            let appended = self.rows.append(0, |rows| self.program.read_next(&mut cursor, rows));
            match appended {
                Ok(()) => {
                    let left = cursor.left();
                    bytes += self.block.len() - self.at - left;
                    (self.at, self.left) = (self.block.len() - left, self.left - 1);
                    self.at_end()?;
                }
                Err(reason) => {
                    // The next record can still be found if this one is as long as it says.
                    let mut cursor = Cursor::new(&self.block[self.at..]);
                    self.then = Some(match skip::run(&self.skips, &mut cursor) {
                        Ok(()) => {
                            (self.at, self.left) = (self.block.len() - cursor.left(), self.left - 1);
                            Part::Bad { rows: 1, reason }
                        }
                        Err(_) => self.lost(reason),
                    });
                    return Ok(true);
                }
            }
        }
        Ok(true)
    }

    /// Gives up what is left of the block.
    fn lost(&mut self, mut reason: BadRecord) -> Part {
        let rows = std::mem::take(&mut self.left);
        if rows > 1 {
            reason
                .message
                .push_str(&format!(" (and what follows in its block cannot be found: {rows} records are lost)"));
        }
        Part::Bad { rows, reason }
    }

    /// After the last record of a block there is nothing.
    fn at_end(&self) -> Outcome<()> {
        match (self.left, self.block.len() - self.at) {
            (0, more) if more > 0 => Err(Stop::Damage(format!("{more} bytes follow the last record of a block"))),
            _ => Ok(()),
        }
    }

    /// Comes to the next block that has rows to read; false at the end of the file.
    fn next_block(&mut self, input: &mut BufReader<File>, row: &mut u64, start: u64) -> Outcome<bool> {
        loop {
            if input.fill_buf().map_err(Stop::Disk)?.is_empty() {
                return Ok(false);
            }
            let (records, bytes) = (long(input)?, long(input)?);
            let (Ok(records), Ok(bytes)) = (u64::try_from(records), usize::try_from(bytes)) else {
                return Err(Stop::Damage(format!("a block claims {records} records in {bytes} bytes")));
            };
            if bytes > MAX_BLOCK_BYTES {
                return Err(Stop::Damage(format!("a block claims {bytes} bytes")));
            }
            let passed_over = self.rows.len() == 0 && row.checked_add(records).is_some_and(|end| end <= start);
            let mut block = Vec::new();
            if passed_over {
                input.seek_relative(bytes as i64).map_err(Stop::Disk)?;
            } else {
                input.take(bytes as u64).read_to_end(&mut block).map_err(Stop::Disk)?;
                if block.len() < bytes {
                    return Err(ended());
                }
            }
            let mut marker = Marker::default();
            exactly(input, &mut marker)?;
            if marker != self.marker {
                return Err(Stop::Damage("a block does not end with the file's marker".into()));
            }
            if passed_over {
                *row += records;
                continue;
            }
            self.block = codec::decompress(self.codec, block).map_err(Stop::Damage)?;
            if records > (self.block.len() + MAX_EMPTY_RECORDS) as u64 {
                return Err(Stop::Damage(format!("a block claims {records} records in {} bytes", self.block.len())));
            }
            (self.at, self.left) = (0, records);
            self.at_end()?;
            if records > 0 {
                return Ok(true);
            }
        }
    }
}

/// What is told of a file that cannot be read; an error is the disk's.
fn told(stop: Stop) -> io::Result<BadRecord> {
    match stop {
        Stop::Disk(error) => Err(error),
        Stop::Unfit(reason) => Ok(reason),
        Stop::Damage(reason) => Ok(*bad_record(format!(
            "it is no Avro container, or is damaged, or was read before it was complete ({reason}): put a whole one in its place, \
             and give files their names when they are complete"
        ))),
    }
}

fn ended() -> Stop {
    Stop::Damage("it ends in the middle".into())
}

fn exactly(input: &mut impl Read, into: &mut [u8]) -> Outcome<()> {
    input.read_exact(into).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => ended(),
        _ => Stop::Disk(error),
    })
}

/// A variable-length integer.
fn long(input: &mut impl BufRead) -> Outcome<i64> {
    let mut bytes = [0; 10];
    for length in 1..=bytes.len() {
        exactly(input, &mut bytes[length - 1..length])?;
        if bytes[length - 1] < 0x80 {
            let mut cursor = Cursor::new(&bytes[..length]);
            return cursor.long().map_err(|bad| Stop::Damage(bad.message));
        }
    }
    Err(Stop::Damage("an integer has more than 64 bits".into()))
}

/// Bytes behind their length.
fn sized(input: &mut impl BufRead, budget: &mut usize) -> Outcome<Vec<u8>> {
    let length = long(input)?;
    let Some(left) = usize::try_from(length).ok().and_then(|length| budget.checked_sub(length)) else {
        return Err(Stop::Damage(format!("a part of its header claims {length} bytes")));
    };
    *budget = left;
    let mut bytes = Vec::new();
    input.take(length as u64).read_to_end(&mut bytes).map_err(Stop::Disk)?;
    if bytes.len() as i64 == length { Ok(bytes) } else { Err(ended()) }
}
