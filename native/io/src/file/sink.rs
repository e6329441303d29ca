//! Writes rows to files, one JSON record a line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use millrace_plan::FileSink as Config;

use super::IN_PROGRESS;
use super::naming::{name, parse};
use super::visible::{show, sync};
use super::writer::{Complete, Writer, remove_leftover};
use crate::{Error, Records, Result, Sink, StagedFile};

pub const WHO: &str = "file sink";

/// The prefix of files whose job gives none.
pub const DEFAULT_PREFIX: &str = "part";

/// The clock of files may lag behind.
const CLOCK_LAG: Duration = Duration::from_secs(2);

/// The files of one slot: `PREFIX-SLOT-SEQUENCE.jsonl`, written under that name with ".inprogress" and renamed when they
/// are full, old enough, or flushed. No file is ever overwritten: sequence numbers go on after those that are there.
///
/// An epoch is durable when every file that holds rows of it has its name. So what stands in a file in progress will come
/// again after a crash, and such files that nobody writes any more are removed when a sink opens.
///
/// A sink that stages its files renames them only when their epoch is committed. A file then holds rows of one epoch,
/// which is durable when it is closed. A checkpoint may name it, so a start leaves alone what is not older than itself:
/// it may have been taken over by one that came later.
pub struct FileSink {
    config: Config,
    directory: PathBuf,
    prefix: String,
    slot: usize,
    sequence: u64,
    current: Option<Current>,
    /// Epochs that have been closed.
    epoch: u64,
    /// Complete files that are to be renamed with their epoch; `None` if they are at once.
    staged: Option<Vec<Staged>>,
}

struct Current {
    writer: Writer,
    /// The epoch of its first row.
    first_epoch: u64,
    /// When it was first seen to be open.
    since_ms: Option<u64>,
}

struct Staged {
    epoch: u64,
    file: Complete,
}

impl FileSink {
    /// Makes the directory if need be, and removes what dead processes left there. A sink that stages its files knows when
    /// the job was started: before it took over from others.
    pub fn open(config: &Config, slot: usize, stages_since: Option<SystemTime>) -> Result<FileSink> {
        let prefix = if config.prefix.is_empty() { DEFAULT_PREFIX } else { &config.prefix };
        if prefix.contains('/') {
            return Err(Error(format!(
                "{WHO}: the prefix \"{prefix}\" holds a slash. Put directories into the directory."
            )));
        }
        // A checkpoint is read by a process that may be started elsewhere.
        let directory = absolute(&config.directory).map_err(|error| failed(Path::new(&config.directory), &error))?;
        let sequence = prepare(&directory, prefix, slot, stages_since).map_err(|error| failed(&directory, &error))?;
        let (config, prefix) = (config.clone(), prefix.to_owned());
        let staged = stages_since.map(|_| Vec::new());
        Ok(FileSink { config, directory, prefix, slot, sequence, current: None, epoch: 0, staged })
    }

    /// The file that rows go to, begun if there is none.
    fn current(&mut self, first_line: Option<&[u8]>) -> Result<&mut Current> {
        let current = match self.current.take() {
            Some(current) => current,
            None => {
                let mut writer = self.next_writer()?;
                let begun = first_line.map_or(Ok(()), |line| writer.write_line(line));
                begun.map_err(|error| failed(writer.path(), &error))?;
                Current { writer, first_epoch: self.epoch, since_ms: None }
            }
        };
        Ok(self.current.insert(current))
    }

    fn next_writer(&mut self) -> Result<Writer> {
        loop {
            let name = name(&self.prefix, self.slot, self.sequence, self.config.compression);
            let path = self.directory.join(name);
            self.sequence += 1;
            if let Some(writer) =
                Writer::create(path.clone(), self.config.compression).map_err(|error| failed(&path, &error))?
            {
                return Ok(writer);
            }
        }
    }

    /// Completes the current file.
    fn roll(&mut self) -> Result<()> {
        let Some(Current { writer, .. }) = self.current.take() else { return Ok(()) };
        let path = writer.path().to_owned();
        let file = writer.complete().map_err(|error| failed(&path, &error))?;
        match &mut self.staged {
            None => show([paths(&file)].into_iter()),
            Some(staged) => {
                staged.push(Staged { epoch: self.epoch, file });
                Ok(())
            }
        }
    }
}

impl Sink for FileSink {
    fn write(&mut self, records: &Records, from: usize) -> Result<usize> {
        for row in from..records.values.len() {
            let roll_bytes = self.config.roll_bytes;
            let writer = &mut self.current(records.first_line.as_deref())?.writer;
            let outcome = writer.write_line(records.values.get(row).unwrap_or_default());
            outcome.map_err(|error| failed(writer.path(), &error))?;
            if writer.bytes() >= roll_bytes {
                self.roll()?;
            }
        }
        Ok(records.values.len().saturating_sub(from))
    }

    fn poll(&mut self, now_ms: u64) -> Result<()> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let since_ms = *current.since_ms.get_or_insert(now_ms);
        if now_ms.saturating_sub(since_ms) >= self.config.roll_interval_ms {
            self.roll()?;
        }
        Ok(())
    }

    fn begin_epoch(&mut self) -> Result<()> {
        if self.staged.is_some() {
            self.roll()?;
        }
        if self.staged.iter().flatten().last().is_some_and(|staged| staged.epoch == self.epoch) {
            sync(&self.directory).map_err(|error| failed(&self.directory, &error))?;
        }
        self.epoch += 1;
        Ok(())
    }

    fn durable_epochs(&self) -> u64 {
        match &self.current {
            Some(current) if self.staged.is_none() => current.first_epoch,
            _ => self.epoch,
        }
    }

    fn flush(&mut self) -> Result<()> {
        // A staged file is as durable as it gets when its epoch is closed.
        if self.staged.is_some() { Ok(()) } else { self.roll() }
    }

    fn staged(&mut self) -> Vec<StagedFile> {
        let closed = self.staged.iter().flatten().filter(|staged| staged.epoch < self.epoch);
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let both = closed.map(|staged| paths(&staged.file));
        both.map(|(staged, visible)| StagedFile { staged: text(staged), visible: text(visible) }).collect()
    }

    fn commit(&mut self, epochs: u64) -> Result<()> {
        let Some(staged) = &mut self.staged else { return Ok(()) };
        let committed = staged.partition_point(|staged| staged.epoch < epochs);
        show(staged[..committed].iter().map(|staged| paths(&staged.file)))?;
        staged.drain(..committed);
        Ok(())
    }
}

/// Where a file is and where it will be.
fn paths(file: &Complete) -> (&Path, &Path) {
    (&file.names.in_progress, &file.names.path)
}

/// With the links of the given path as they are.
fn absolute(directory: &str) -> io::Result<PathBuf> {
    let directory = std::path::absolute(directory)?;
    let is_text = directory.to_str().is_some();
    is_text.then_some(directory).ok_or_else(|| io::Error::other("the working directory has a name that is no text"))
}

/// Makes the directory, removes leftovers, and finds the sequence number after those of this slot that are there.
fn prepare(directory: &Path, prefix: &str, slot: usize, stages_since: Option<SystemTime>) -> io::Result<u64> {
    fs::create_dir_all(directory)?;
    let mut next = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let file_name = entry.file_name();
        let Some(file_name) = file_name.to_str() else { continue };
        let Some((of, sequence)) = parse(prefix, file_name) else { continue };
        if of == slot {
            next = next.max(sequence + 1);
        }
        if file_name.ends_with(IN_PROGRESS) && is_void(&entry, stages_since) {
            remove_leftover(&entry.path())?;
        }
    }
    Ok(next)
}

/// Nobody will want what a file in progress holds, unless somebody still writes it.
fn is_void(file: &fs::DirEntry, stages_since: Option<SystemTime>) -> bool {
    let Some(since) = stages_since else { return true };
    let modified = file.metadata().and_then(|about| about.modified());
    modified.is_ok_and(|modified| modified + CLOCK_LAG < since)
}

pub fn failed(path: &Path, error: &io::Error) -> Error {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Make room on the disk.",
        io::ErrorKind::PermissionDenied => "Give the process the right to write there.",
        _ => "Check the directory.",
    };
    Error(format!("{WHO}: {}: {error}. {advice}", path.display()))
}

#[cfg(test)]
mod tests;
