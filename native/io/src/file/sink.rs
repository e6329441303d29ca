//! Writes rows to files.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use millrace_plan::FileSink as Config;

use super::IN_PROGRESS;
use super::naming::{name, parse};
use super::open_files::{Open, OpenFiles};
use super::visible::{show, sync};
use super::writer::{Complete, Writer, remove_leftover};
use crate::{Error, Records, Result, Sink, StagedFile};

pub const WHO: &str = "file sink";

/// The prefix of files whose job gives none.
pub const DEFAULT_PREFIX: &str = "part";

/// The clock of files may lag behind.
const CLOCK_LAG: Duration = Duration::from_secs(2);

/// The files of one slot: `PREFIX-SLOT-SEQUENCE.jsonl`, written under that name with ".inprogress" and renamed when they
/// are full, old enough, or flushed. No file is ever overwritten: sequence numbers go on after those that are there. Where rows
/// go to folders each has a file of its own; at most `open_files` are open, and the one that was not written to for longest
/// makes room.
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
    open: OpenFiles,
    /// Epochs that have been closed.
    epoch: u64,
    /// Complete files that are to be renamed with their epoch; `None` if they are at once.
    staged: Option<Vec<Staged>>,
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
        let depth = config.partition_by.len();
        let sequence =
            prepare(&directory, prefix, slot, stages_since, depth).map_err(|error| failed(&directory, &error))?;
        let (config, prefix) = (config.clone(), prefix.to_owned());
        let staged = stages_since.map(|_| Vec::new());
        Ok(FileSink { config, directory, prefix, slot, sequence, open: OpenFiles::default(), epoch: 0, staged })
    }

    /// The file that rows of a folder go to, begun if there is none.
    fn file(&mut self, folder: &str, records: &Records) -> Result<&mut Writer> {
        if self.open.get(folder).is_none() {
            if let Some(least_used) = self.open.take_least_used(self.config.open_files) {
                self.close(least_used)?;
            }
            let writer = self.next_writer(folder, records)?;
            self.open.insert(folder, writer, self.epoch);
        }
        let gone =
            || Error(format!("{WHO}: the file of \"{folder}\" has gone. This is a bug of Millrace: please report it."));
        self.open.get(folder).map(|open| &mut open.writer).ok_or_else(gone)
    }

    fn next_writer(&mut self, folder: &str, records: &Records) -> Result<Writer> {
        if !folder.is_empty() {
            let made = make_folder(&self.directory, folder);
            made.map_err(|error| failed(&self.directory.join(folder), &error))?;
        }
        loop {
            let name = name(&self.prefix, self.slot, self.sequence, &self.config);
            let path = self.directory.join(folder).join(name);
            self.sequence += 1;
            let created = Writer::create(path.clone(), &self.config, records);
            if let Some(writer) = created.map_err(|error| failed(&path, &error))? {
                return Ok(writer);
            }
        }
    }

    /// Completes files.
    fn close_all(&mut self, files: impl IntoIterator<Item = Open>) -> Result<()> {
        files.into_iter().try_for_each(|open| self.close(open))
    }

    fn close(&mut self, Open { writer, .. }: Open) -> Result<()> {
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
        let (folder, roll_bytes) = (records.folder.as_deref().unwrap_or_default(), self.config.roll_bytes);
        if let Some(rows) = &records.rows {
            let writer = self.file(folder, records)?;
            writer.write_rows(rows).map_err(|error| failed(writer.path(), &error))?;
            self.open.bound_memory(folder).map_err(|(path, error)| failed(&path, &error))?;
            let full = self.open.take_full(folder, roll_bytes);
            self.close_all(full)?;
            return Ok(rows.num_rows() - from);
        }
        let mut row = from;
        while row < records.len() {
            let writer = self.file(folder, records)?;
            while row < records.len() && writer.bytes() < roll_bytes {
                let outcome = writer.write_line(records.values.get(row).unwrap_or_default());
                outcome.map_err(|error| failed(writer.path(), &error))?;
                row += 1;
            }
            let full = self.open.take_full(folder, roll_bytes);
            self.close_all(full)?;
        }
        Ok(records.len().saturating_sub(from))
    }

    fn poll(&mut self, now_ms: u64) -> Result<()> {
        let old = self.open.take_old(now_ms, self.config.roll_interval_ms);
        self.close_all(old)
    }

    fn begin_epoch(&mut self) -> Result<()> {
        if self.staged.is_some() {
            let all = self.open.take_all();
            self.close_all(all)?;
        }
        let closed = self.staged.iter().flatten().filter(|staged| staged.epoch == self.epoch);
        let folders: BTreeSet<&Path> = closed.filter_map(|staged| staged.file.names.path.parent()).collect();
        folders.into_iter().try_for_each(|folder| sync(folder).map_err(|error| failed(folder, &error)))?;
        self.epoch += 1;
        Ok(())
    }

    fn durable_epochs(&self) -> u64 {
        self.open.first_epoch().filter(|_| self.staged.is_none()).unwrap_or(self.epoch)
    }

    fn flush(&mut self) -> Result<()> {
        // A staged file is as durable as it gets when its epoch is closed.
        if self.staged.is_some() {
            return Ok(());
        }
        let all = self.open.take_all();
        self.close_all(all)
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

/// Makes the directory, removes leftovers, and finds the sequence number after those of this slot that are there. Files lie so
/// many folders deep.
fn prepare(
    directory: &Path,
    prefix: &str,
    slot: usize,
    stages_since: Option<SystemTime>,
    depth: usize,
) -> io::Result<u64> {
    fs::create_dir_all(directory)?;
    let mut next = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let file_name = entry.file_name();
        let Some(file_name) = file_name.to_str() else { continue };
        if depth > 0 && file_name.contains('=') && entry.file_type()?.is_dir() {
            next = next.max(prepare(&entry.path(), prefix, slot, stages_since, depth - 1)?);
        }
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

/// Makes a folder below the directory, which survives a power cut.
fn make_folder(directory: &Path, folder: &str) -> io::Result<()> {
    let mut at = directory.to_owned();
    for name in folder.split('/') {
        let above = at.clone();
        at.push(name);
        match fs::create_dir(&at) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made.and_then(|()| sync(&above))?,
        }
    }
    Ok(())
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
        io::ErrorKind::InvalidData => "Correct the row before it comes to the sink.",
        _ => "Check the directory.",
    };
    Error(format!("{WHO}: {}: {error}. {advice}", path.display()))
}

#[cfg(test)]
mod tests;
