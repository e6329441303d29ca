//! Reads files line by line.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use millrace_plan::FileSource as Config;

use super::lines::{Lines, MAX_LINE_BYTES, Next};
use super::{paths, restored};
use crate::{Error, Poll, Position, Receiver, Record, Restored, Result, Source, Split};

/// As errors name this connector.
pub const WHO: &str = "file source";

/// How often followed files are looked at when they do not grow: a few system calls each time.
const FOLLOW_MS: u64 = 100;

/// A record's offset is the number of its line, from 0; blank lines are skipped, though counted.
///
/// Files are read one after the other, in order of their paths; a paused one gives way to the next. Positions are not
/// stored: every start begins with the first line, or where a checkpoint goes on. With `follow`, plain files are read on
/// as they grow, a last line waits for its end, and files that come to match are read as well. A file that is renamed or
/// removed is read to its end, and then the one that has taken its path, as a split of its own; a file that shrinks is an
/// error. Compressed files are read once.
pub struct FileSource {
    config: Config,
    slot: usize,
    slots: usize,
    splits: Vec<Split>,
    files: Vec<Input>,
    /// Paths that are dealt with, of this slot's.
    known: HashSet<PathBuf>,
    /// Files that have not ended.
    running: usize,
}

/// One file.
struct Input {
    path: PathBuf,
    /// `None` before it is reached and after it has ended; a followed file is open from the start.
    open: Option<OpenFile>,
    lines: Lines,
    next_line: i64,
    /// Lines before this one are passed over.
    start: i64,
    /// It is followed rather than read once.
    follow: bool,
    paused: bool,
    ended: bool,
}

struct OpenFile {
    content: Content,
    /// Device and number of the file that was opened, whatever its path leads to now.
    identity: (u64, u64),
    /// As a checkpoint tells it from others.
    generation: i32,
    /// Bytes read of a plain file.
    position: u64,
}

enum Content {
    Plain(File),
    Gzip(Box<MultiGzDecoder<File>>),
    Zstd(Box<zstd::Decoder<'static, io::BufReader<File>>>),
}

impl FileSource {
    /// Finds the files. Without `follow` there has to be one, over all slots, unless all that `restored` names have been
    /// read to their ends.
    pub fn open(config: &Config, slot: usize, slots: usize, restored: Option<&[Restored]>) -> Result<FileSource> {
        let mut source = FileSource {
            config: config.clone(),
            slot,
            slots,
            splits: Vec::new(),
            files: Vec::new(),
            known: HashSet::new(),
            running: 0,
        };
        let restored = restored.unwrap_or_default();
        let some_ended = restored.iter().any(|at| at.offset == Restored::READ_TO_END);
        let found = paths::find(&config.paths, config.follow || some_ended)?;
        restored::check_gone(restored, &found)?;
        source.add_files(found, restored)?;
        Ok(source)
    }

    /// Adds the files of this slot that are not known yet.
    fn add_files(&mut self, found: Vec<PathBuf>, restored: &[Restored]) -> Result<()> {
        for (index, path) in found.into_iter().enumerate() {
            // Where files come and go, their order does not say whose they are.
            let slot = if self.config.follow { hash(&path) as usize } else { index } % self.slots;
            if slot == self.slot && !self.known.contains(&path) {
                self.add_file(path, restored)?;
            }
        }
        Ok(())
    }

    fn add_file(&mut self, path: PathBuf, restored: &[Restored]) -> Result<()> {
        let follow = self.config.follow && !is_compressed(&path);
        let opened = follow.then(|| OpenFile::open(&path));
        let open = match opened.transpose() {
            // It has gone again.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(|error| failed(&path, 0, &error))?,
        };
        let partition = open.as_ref().map_or(0, |open| open.generation);
        let name = path.display().to_string();
        let start = restored::start(restored, &name, partition)?;
        self.known.insert(path.clone());
        self.splits.push(Split { resource: name.clone(), name, partition, start, metadata: None });
        self.files.push(Input::new(path, follow, open, start));
        self.running += 1;
        Ok(())
    }

    fn read<R: Receiver>(
        &mut self,
        split: usize,
        max_records: usize,
        receiver: &mut R,
    ) -> std::result::Result<usize, R::Error> {
        let file = &mut self.files[split];
        let given = file.read(split, max_records, receiver)?;
        if file.ended {
            self.running -= 1;
            // Another may take the path of a followed file.
            if file.follow {
                self.known.remove(&file.path);
            }
            receiver.end(split)?;
        }
        Ok(given)
    }
}

impl<R: Receiver> Source<R> for FileSource {
    fn splits(&self) -> &[Split] {
        &self.splits
    }

    fn poll(&mut self, max_records: usize, receiver: &mut R) -> std::result::Result<Poll, R::Error> {
        let mut given = 0;
        for split in 0..self.files.len() {
            if given >= max_records {
                break;
            }
            if !self.files[split].ended && !self.files[split].paused {
                given += self.read(split, max_records - given, receiver)?;
            }
        }
        if given > 0 {
            return Ok(if self.running > 0 || self.config.follow { Poll::More } else { Poll::End });
        }
        if self.config.follow {
            let known = self.files.len();
            self.add_files(paths::find(&self.config.paths, true)?, &[])?;
            let found = self.files.len() > known;
            return Ok(if found { Poll::More } else { Poll::Empty { retry_after_ms: Some(FOLLOW_MS) } });
        }
        // What has not ended is paused.
        Ok(if self.running > 0 { Poll::Empty { retry_after_ms: Some(FOLLOW_MS) } } else { Poll::End })
    }

    fn pause(&mut self, split: usize, paused: bool) -> Result<()> {
        self.files[split].paused = paused;
        Ok(())
    }

    fn commit(&mut self, _positions: &[Position]) -> Result<()> {
        Ok(())
    }

    fn close(&mut self, _timeout_ms: u64) -> Result<()> {
        self.files.iter_mut().for_each(|file| file.open = None);
        Ok(())
    }
}

impl Input {
    fn new(path: PathBuf, follow: bool, open: Option<OpenFile>, start: i64) -> Input {
        Input { path, open, lines: Lines::new(), next_line: 0, start, follow, paused: false, ended: false }
    }

    /// Gives out lines up to the end of what there is now. Those that are passed over count, as they take their time.
    fn read<R: Receiver>(
        &mut self,
        split: usize,
        max_records: usize,
        receiver: &mut R,
    ) -> std::result::Result<usize, R::Error> {
        if self.start == Restored::READ_TO_END {
            self.ended = true;
            return Ok(0);
        }
        let mut given = 0;
        while given < max_records {
            let open = match &mut self.open {
                Some(open) => open,
                none => {
                    none.insert(OpenFile::open(&self.path).map_err(|error| failed(&self.path, self.next_line, &error))?)
                }
            };
            let (line, ended) = match self.lines.next(open) {
                Ok(Next::Line(line)) => (line, false),
                Ok(Next::End) if self.follow && !has_gone(&self.path, open)? => {
                    check_length(&self.path, self.start, self.next_line)?;
                    receiver.caught_up(split);
                    return Ok(given);
                }
                Ok(Next::End) => (self.lines.rest(), true),
                Err(error) => return Err(failed(&self.path, self.next_line, &error).into()),
            };
            if ended {
                self.open = None;
                self.ended = true;
                check_length(&self.path, self.start, self.next_line + i64::from(!line.is_empty()))?;
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
fn check_length(path: &Path, start: i64, lines: i64) -> Result<()> {
    if lines >= start { Ok(()) } else { Err(restored::too_short(&path.display().to_string(), start, lines)) }
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
    fn open(path: &Path) -> io::Result<OpenFile> {
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

fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz" || extension == "zst")
}

fn hash(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

/// Names file and line, from 1 as editors count.
fn failed(path: &Path, line: i64, error: &io::Error) -> Error {
    let place = format!("{}:{}", path.display(), line + 1);
    if error.kind() == ErrorKind::FileTooLarge {
        return Error(format!(
            "{WHO}: {place}: the line is longer than {} MB. Records have to stand one a line.",
            MAX_LINE_BYTES >> 20
        ));
    }
    let advice = if is_compressed(path) {
        "Check that the file is whole and compressed as its name says."
    } else {
        "Check the file."
    };
    Error(format!("{WHO}: {place}: {error}. {advice}"))
}

#[cfg(test)]
mod tests;
