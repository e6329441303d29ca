//! One file of a source, read line by line or by its rows.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::lines::{Lines, MAX_LINE_BYTES, Next};
use super::restored;
use super::rows::{Rows, RowsOf};
use super::source::WHO;
use crate::{Error, Receiver, Record, Restored, Result};

/// One file.
pub struct Input {
    /// As errors name it.
    name: String,
    pub path: PathBuf,
    /// `None` before it is reached and after it has ended; a followed file is open from the start.
    pub open: Option<OpenFile>,
    lines: Lines,
    next_line: i64,
    /// Instead of lines.
    rows: Option<Rows>,
    /// Lines, or rows, before this one are passed over.
    pub start: i64,
    /// It is followed rather than read once.
    pub follow: bool,
    pub paused: bool,
    pub ended: bool,
}

pub struct OpenFile {
    content: Content,
    /// Device and number of the file that was opened, whatever its path leads to now.
    identity: (u64, u64),
    /// As a checkpoint tells it from others.
    pub generation: i32,
    /// Bytes read of a plain file.
    position: u64,
}

enum Content {
    Plain(File),
    Gzip(Box<MultiGzDecoder<File>>),
    Zstd(Box<zstd::Decoder<'static, io::BufReader<File>>>),
}

impl Input {
    /// The file at `path`, which is told of by its name. One whose rows are read is not followed.
    pub fn new(
        name: String,
        path: PathBuf,
        follow: bool,
        open: Option<OpenFile>,
        start: i64,
        rows: Option<RowsOf>,
    ) -> Input {
        let (lines, rows) = (Lines::new(), rows.map(Rows::new));
        Input { name, path, open, lines, next_line: 0, rows, start, follow, paused: false, ended: false }
    }

    pub fn close(&mut self) {
        self.open = None;
        self.rows.iter_mut().for_each(Rows::close);
    }

    /// Gives out lines, or rows, up to the end of what there is now. Those that are passed over count, as they take their time.
    pub fn read<R: Receiver>(
        &mut self,
        split: usize,
        max_records: usize,
        receiver: &mut R,
    ) -> std::result::Result<usize, R::Error> {
        if self.start == Restored::READ_TO_END {
            self.ended = true;
            return Ok(0);
        }
        if let Some(rows) = &mut self.rows {
            let (given, ended) = rows.read((&self.name, &self.path), self.start, split, max_records, receiver)?;
            self.ended = ended;
            return Ok(given);
        }
        let mut given = 0;
        while given < max_records {
            let open = match &mut self.open {
                Some(open) => open,
                none => {
                    none.insert(OpenFile::open(&self.path).map_err(|error| failed(&self.name, self.next_line, &error))?)
                }
            };
            let (line, ended) = match self.lines.next(open) {
                Ok(Next::Line(line)) => (line, false),
                Ok(Next::End) if self.follow && !has_gone(&self.path, open)? => {
                    check_length(&self.name, self.start, self.next_line)?;
                    receiver.caught_up(split);
                    return Ok(given);
                }
                Ok(Next::End) => (self.lines.rest(), true),
                Err(error) => return Err(failed(&self.name, self.next_line, &error).into()),
            };
            if ended {
                self.open = None;
                self.ended = true;
                check_length(&self.name, self.start, self.next_line + i64::from(!line.is_empty()))?;
            }
            given += hand_over(split, &mut self.next_line, self.start, line, receiver)?;
            if ended {
                break;
            }
        }
        Ok(given)
    }
}

/// Gives a line out unless it is blank, or before the one to start at; says how many that makes. The rest of a file may be
/// nothing at all.
fn hand_over<R: Receiver>(
    split: usize,
    next_line: &mut i64,
    start: i64,
    line: &[u8],
    receiver: &mut R,
) -> std::result::Result<usize, R::Error> {
    let offset = *next_line;
    *next_line += 1;
    if offset < start {
        return Ok(1);
    }
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(0);
    }
    receiver.record(Record { split, offset, timestamp: None, key: None, value: Some(line) })?;
    Ok(1)
}

/// A file that is not as long as it was is another.
fn check_length(name: &str, start: i64, lines: i64) -> Result<()> {
    if lines >= start { Ok(()) } else { Err(restored::too_short(name, start, lines)) }
}

/// The path of a file that has been read to its end leads elsewhere now, or nowhere.
fn has_gone(path: &Path, open: &OpenFile) -> Result<bool> {
    let now = match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        now => now.map_err(|error| Error(format!("{WHO}: {}: {error}", path.display())))?,
    };
    if (now.dev(), now.ino()) != open.identity {
        return Ok(true);
    }
    if now.len() < open.position {
        return Err(Error(format!(
            "{WHO}: {} has shrunk from {} to {} bytes while it was followed; lines may have been lost. Rotate it by renaming, \
             not by truncating, and start the job again.",
            path.display(),
            open.position,
            now.len()
        )));
    }
    Ok(false)
}

impl OpenFile {
    pub fn open(path: &Path) -> io::Result<OpenFile> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let content = match path.extension().and_then(|extension| extension.to_str()) {
            Some("gz") => Content::Gzip(Box::new(MultiGzDecoder::new(file))),
            Some("zst") => Content::Zstd(Box::new(zstd::Decoder::new(file)?)),
            _ => Content::Plain(file),
        };
        let (identity, generation) = ((metadata.dev(), metadata.ino()), restored::generation(&metadata));
        Ok(OpenFile { content, identity, generation, position: 0 })
    }
}

impl Read for OpenFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.content {
            Content::Plain(file) => file.read(into)?,
            Content::Gzip(decoder) => decoder.read(into)?,
            Content::Zstd(decoder) => decoder.read(into)?,
        };
        self.position += read as u64;
        Ok(read)
    }
}

pub fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz" || extension == "zst")
}

/// Names file and line, from 1 as editors count.
pub fn failed(name: &str, line: i64, error: &io::Error) -> Error {
    let place = format!("{name}:{}", line + 1);
    if error.kind() == ErrorKind::FileTooLarge {
        return Error(format!(
            "{WHO}: {place}: the line is longer than {} MB. Records have to stand one a line.",
            MAX_LINE_BYTES >> 20
        ));
    }
    let advice = if is_compressed(Path::new(name)) {
        "Check that the file is whole and compressed as its name says."
    } else {
        "Check the file."
    };
    Error(format!("{WHO}: {place}: {error}. {advice}"))
}
