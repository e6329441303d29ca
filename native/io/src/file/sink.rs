//! Writes rows to files, one JSON record a line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use millrace_plan::FileSink as Config;

use super::IN_PROGRESS;
use super::naming::{name, parse};
use super::writer::{Writer, remove_leftover};
use crate::{Error, Records, Result, Sink, StagedFile};

const WHO: &str = "file sink";

/// The prefix of files whose job gives none.
const DEFAULT_PREFIX: &str = "part";

/// The files of one slot: `PREFIX-SLOT-SEQUENCE.jsonl`, written under that name with ".inprogress" and renamed when they
/// are full, old enough, or flushed. No file is ever overwritten: sequence numbers go on after those that are there.
///
/// An epoch is durable when every file that holds rows of it has its name. So what stands in a file in progress will come
/// again after a crash, and such files that nobody writes any more are removed when a sink opens.
pub struct FileSink {
    config: Config,
    prefix: String,
    slot: usize,
    sequence: u64,
    current: Option<Current>,
    /// Epochs that have been closed.
    epoch: u64,
}

struct Current {
    writer: Writer,
    /// The epoch of its first row.
    first_epoch: u64,
    /// When it was first seen to be open.
    since_ms: Option<u64>,
}

impl FileSink {
    /// Makes the directory if need be, and removes what dead processes left there.
    pub fn open(config: &Config, slot: usize, _staged: bool) -> Result<FileSink> {
        let prefix = if config.prefix.is_empty() { DEFAULT_PREFIX } else { &config.prefix };
        if prefix.contains('/') {
            return Err(Error(format!(
                "{WHO}: the prefix \"{prefix}\" holds a slash. Put directories into the directory."
            )));
        }
        let directory = Path::new(&config.directory);
        let sequence = prepare(directory, prefix, slot).map_err(|error| failed(directory, &error))?;
        Ok(FileSink { config: config.clone(), prefix: prefix.to_owned(), slot, sequence, current: None, epoch: 0 })
    }

    /// The file that rows go to, begun if there is none.
    fn current(&mut self) -> Result<&mut Current> {
        let current = match self.current.take() {
            Some(current) => current,
            None => Current { writer: self.next_writer()?, first_epoch: self.epoch, since_ms: None },
        };
        Ok(self.current.insert(current))
    }

    fn next_writer(&mut self) -> Result<Writer> {
        loop {
            let name = name(&self.prefix, self.slot, self.sequence, self.config.compression);
            let path = PathBuf::from(&self.config.directory).join(name);
            self.sequence += 1;
            if let Some(writer) =
                Writer::create(path.clone(), self.config.compression).map_err(|error| failed(&path, &error))?
            {
                return Ok(writer);
            }
        }
    }

    fn roll(&mut self) -> Result<()> {
        let Some(Current { writer, .. }) = self.current.take() else { return Ok(()) };
        let path = writer.path().to_owned();
        writer.complete().map_err(|error| failed(&path, &error))
    }
}

impl Sink for FileSink {
    fn write(&mut self, records: &Records, from: usize) -> Result<usize> {
        for row in from..records.values.len() {
            let roll_bytes = self.config.roll_bytes;
            let writer = &mut self.current()?.writer;
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
        self.epoch += 1;
        Ok(())
    }

    fn durable_epochs(&self) -> u64 {
        self.current.as_ref().map_or(self.epoch, |current| current.first_epoch)
    }

    fn flush(&mut self) -> Result<()> {
        self.roll()
    }
}

/// Finishes what the sinks of a restored checkpoint had still to do: gives files their final names.
pub fn show_staged(_files: &[StagedFile]) -> Result<()> {
    Ok(())
}

/// Makes the directory, removes leftovers, and finds the sequence number after those of this slot that are there.
fn prepare(directory: &Path, prefix: &str, slot: usize) -> io::Result<u64> {
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
        if file_name.ends_with(IN_PROGRESS) {
            remove_leftover(&entry.path())?;
        }
    }
    Ok(next)
}

fn failed(path: &Path, error: &io::Error) -> Error {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Make room on the disk.",
        io::ErrorKind::PermissionDenied => "Give the process the right to write there.",
        _ => "Check the directory.",
    };
    Error(format!("{WHO}: {}: {error}. {advice}", path.display()))
}

#[cfg(test)]
mod tests;
