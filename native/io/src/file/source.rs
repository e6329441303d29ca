//! Reads files line by line, or by their rows.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::ErrorKind;
use std::path::PathBuf;

use arrow::datatypes::SchemaRef;
use millrace_plan::{FileFormat, FileSource as Config};

use super::input::{Input, OpenFile, failed, is_compressed};
use super::rows::RowsOf;
use super::{paths, restored};
use crate::{Poll, Position, Receiver, Restored, Result, Source, Split};

/// As errors name this connector.
pub const WHO: &str = "file source";

/// How often followed files are looked at when they do not grow: a few system calls each time.
const FOLLOW_MS: u64 = 100;

/// A record's offset is the number of its line, from 0; blank lines are skipped, though counted. In files that have no lines it
/// is the number of the row; such a file does not grow.
///
/// Files are read one after the other, in order of their paths; a paused one gives way to the next. Positions are not
/// stored: every start begins with the first line, or where a checkpoint goes on. With `follow`, plain files are read on
/// as they grow, a last line waits for its end, and files that come to match are read as well. A file that is renamed or
/// removed is read to its end, and then the one that has taken its path, as a split of its own; a file that shrinks is an
/// error. Compressed files are read once.
pub struct FileSource {
    config: Config,
    /// How files are read that have no lines.
    rows: Option<RowsOf>,
    slot: usize,
    slots: usize,
    splits: Vec<Split>,
    files: Vec<Input>,
    /// Paths that are dealt with, of this slot's.
    known: HashSet<PathBuf>,
    /// Files that have not ended.
    running: usize,
}

impl FileSource {
    /// Finds the files. Without `follow` there has to be one, over all slots, unless all that `restored` names have been
    /// read to their ends.
    pub fn open(
        config: &Config,
        columns: SchemaRef,
        slot: usize,
        slots: usize,
        restored: Option<&[Restored]>,
    ) -> Result<FileSource> {
        let mut source = FileSource {
            config: config.clone(),
            rows: rows_of(config, columns),
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
        restored::check_gone(restored, |name| found.iter().any(|path| path.display().to_string() == name))?;
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
        let follow = self.config.follow && self.rows.is_none() && !is_compressed(&path);
        let opened = follow.then(|| OpenFile::open(&path));
        let open = match opened.transpose() {
            // It has gone again.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(|error| failed(&path.display().to_string(), 0, &error))?,
        };
        let partition = open.as_ref().map_or(0, |open| open.generation);
        let name = path.display().to_string();
        let start = restored::start(restored, &name, partition)?;
        self.known.insert(path.clone());
        self.splits.push(Split { resource: name.clone(), name: name.clone(), partition, start, metadata: None });
        self.files.push(Input::new(name, path, follow, open, start, self.rows.clone()));
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
        self.files.iter_mut().for_each(Input::close);
        Ok(())
    }
}

/// How the rows of files that have no lines become those columns.
pub fn rows_of(config: &Config, columns: SchemaRef) -> Option<RowsOf> {
    (config.format != FileFormat::Lines).then(|| RowsOf { format: config.format.clone(), columns })
}

pub fn hash(path: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
