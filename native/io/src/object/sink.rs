//! Writes rows to files of a storage.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use millrace_plan::FileSink as Config;
use millrace_storage::{Failure, Remote, Store};

use super::place::Folder;
use super::scratch::Scratch;
use super::thread::Worker;
use super::visible::{failed, open, show_all};
use crate::file::{DEFAULT_PREFIX, Open, OpenFiles, Writer, name};
use crate::{Error, Records, Result, Sink, StagedFile};

pub const WHO: &str = "file sink";

/// Where files lie until the checkpoint is committed that they belong to.
pub const STAGED: &str = "_staged/";

/// Files that wait to be brought to the storage: more hold the job back. Where rows go to folders, all that may be open at a
/// barrier may wait besides.
const MOST_WAITING: usize = 4;

/// Files that are brought to the storage at a time: a small one takes as long as the storage takes to answer.
const UPLOADS_AT_A_TIME: usize = 4;

/// The files of one slot: `PREFIX-START-SLOT-SEQUENCE.jsonl`, START being when the sink was opened, in milliseconds since the
/// epoch, in hexadecimal digits: no file is ever overwritten. Each is written on the local disk and goes to the storage when
/// it is full, old enough, or flushed. Where rows go to folders each has a file of its own; at most `open_files` are open, and
/// the one that was not written to for longest makes room.
///
/// An epoch is durable when every file that holds rows of it is in the storage. A sink that stages its files closes them with
/// their epoch, and brings them to the folder `_staged`; they are moved when it is committed. What an earlier start has left
/// there, which no checkpoint can name any more, is removed.
pub struct ObjectSink {
    config: Config,
    folder: Folder,
    storage: Arc<Remote>,
    uploads: Worker<Upload, Uploaded>,
    scratch: Arc<Scratch>,
    /// Of every file's name, with when the sink was opened.
    prefix: String,
    slot: usize,
    sequence: u64,
    open: OpenFiles,
    most_waiting: usize,
    /// Epochs that have been closed.
    epoch: u64,
    /// The first epochs of files on their way, by where they go.
    under_way: HashMap<String, u64>,
    /// Files that are to be moved with their epoch; `None` if they need not be.
    staged: Option<Vec<(u64, StagedFile)>>,
}

struct Upload {
    from: PathBuf,
    to: String,
}

struct Uploaded {
    to: String,
    outcome: std::result::Result<(), Failure>,
}

impl ObjectSink {
    /// Sees whether the storage answers. A sink that stages its files knows when the job was started: before it took over from
    /// others.
    pub fn open(config: &Config, slot: usize, stages_since: Option<SystemTime>) -> Result<ObjectSink> {
        let folder = Folder::new(&config.directory);
        let storage = Arc::new(open(&folder)?);
        let prefix = if config.prefix.is_empty() { DEFAULT_PREFIX } else { &config.prefix };
        if prefix.contains('/') {
            return Err(Error(format!(
                "{WHO}: the prefix \"{prefix}\" holds a slash. Put folders into the directory."
            )));
        }
        match stages_since {
            Some(since) if slot == 0 => remove_leftovers(&storage, &folder, prefix, millis(since))?,
            _ => storage.list(STAGED).map(drop).map_err(|failure| failed(&config.directory, &failure))?,
        }
        let scratch = Arc::new(Scratch::new().map_err(|error| local(&std::env::temp_dir(), &error))?);
        let (to, folder_of_uploads) = (storage.clone(), scratch.clone());
        let uploads = Worker::start(WHO, UPLOADS_AT_A_TIME, None, move |Upload { from, to: name }| {
            let outcome = to.upload(&from, &name).map(drop);
            // The folder goes with its last file if this does not.
            let _ = (std::fs::remove_file(&from), &folder_of_uploads);
            Uploaded { to: name, outcome }
        })?;
        Ok(ObjectSink {
            config: config.clone(),
            prefix: format!("{prefix}-{:012x}", millis(SystemTime::now())),
            slot,
            folder,
            storage,
            uploads,
            scratch,
            sequence: 0,
            open: OpenFiles::default(),
            most_waiting: if config.partition_by.is_empty() { MOST_WAITING } else { MOST_WAITING + config.open_files },
            epoch: 0,
            under_way: HashMap::new(),
            staged: stages_since.map(|_| Vec::new()),
        })
    }

    /// The file that rows of a folder go to, begun if there is none; `None` where too many wait.
    fn file(&mut self, folder: &str, records: &Records) -> Result<Option<&mut Writer>> {
        if self.open.get(folder).is_none() {
            if self.uploads.waiting >= self.most_waiting {
                return Ok(None);
            }
            if let Some(least_used) = self.open.take_least_used(self.config.open_files) {
                self.close(least_used)?;
            }
            let writer = self.next_writer(records)?;
            self.open.insert(folder, writer, self.epoch);
        }
        Ok(self.open.get(folder).map(|open| &mut open.writer))
    }

    fn next_writer(&mut self, records: &Records) -> Result<Writer> {
        let path = self.scratch.path().join(name(&self.prefix, self.slot, self.sequence, &self.config));
        self.sequence += 1;
        let created = Writer::create(path.clone(), &self.config, records).map_err(|error| local(&path, &error))?;
        created.ok_or_else(|| Error(format!("{WHO}: {}: it is there already. Remove it.", path.display())))
    }

    /// Sends files on their way.
    fn close_all(&mut self, files: impl IntoIterator<Item = Open>) -> Result<()> {
        files.into_iter().try_for_each(|open| self.close(open))
    }

    fn close(&mut self, Open { writer, folder, first_epoch, .. }: Open) -> Result<()> {
        let path = writer.path().to_owned();
        let file = writer.complete().map_err(|error| local(&path, &error))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let visible = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let to = match &mut self.staged {
            None => visible,
            Some(staged) => {
                let staged_name = format!("{STAGED}{name}");
                let file = StagedFile { staged: self.folder.place(&staged_name), visible: self.folder.place(&visible) };
                staged.push((self.epoch, file));
                staged_name
            }
        };
        self.under_way.insert(to.clone(), first_epoch);
        self.uploads.order(Upload { from: file.names.in_progress.clone(), to });
        Ok(())
    }
}

impl Sink for ObjectSink {
    fn write(&mut self, records: &Records, from: usize) -> Result<usize> {
        let (folder, roll_bytes) = (records.folder.as_deref().unwrap_or_default(), self.config.roll_bytes);
        if let Some(rows) = &records.rows {
            let Some(writer) = self.file(folder, records)? else { return Ok(0) };
            writer.write_rows(rows).map_err(|error| local(writer.path(), &error))?;
            self.open.bound_memory(folder).map_err(|(path, error)| local(&path, &error))?;
            let full = self.open.take_full(folder, roll_bytes);
            self.close_all(full)?;
            return Ok(rows.num_rows() - from);
        }
        let mut row = from;
        while row < records.len() {
            let Some(writer) = self.file(folder, records)? else { return Ok(row - from) };
            while row < records.len() && writer.bytes() < roll_bytes {
                let outcome = writer.write_line(records.values.get(row).unwrap_or_default());
                outcome.map_err(|error| local(writer.path(), &error))?;
                row += 1;
            }
            let full = self.open.take_full(folder, roll_bytes);
            self.close_all(full)?;
        }
        Ok(records.len().saturating_sub(from))
    }

    fn poll(&mut self, now_ms: u64) -> Result<()> {
        while let Some(Uploaded { to, outcome }) = self.uploads.take()? {
            outcome.map_err(|failure| failed(&self.folder.place(&to), &failure))?;
            self.under_way.remove(&to);
        }
        let old = self.open.take_old(now_ms, self.config.roll_interval_ms);
        self.close_all(old)
    }

    fn begin_epoch(&mut self) -> Result<()> {
        if self.staged.is_some() {
            let all = self.open.take_all();
            self.close_all(all)?;
        }
        self.epoch += 1;
        Ok(())
    }

    fn durable_epochs(&self) -> u64 {
        let open = self.open.first_epoch().filter(|_| self.staged.is_none());
        self.under_way.values().copied().chain(open).min().unwrap_or(self.epoch)
    }

    fn fill(&self) -> f64 {
        self.uploads.waiting as f64 / self.most_waiting as f64
    }

    fn flush(&mut self) -> Result<()> {
        // A staged file goes on its way when its epoch is closed.
        if self.staged.is_some() {
            return Ok(());
        }
        let all = self.open.take_all();
        self.close_all(all)
    }

    fn staged(&mut self) -> Vec<StagedFile> {
        let closed = self.staged.iter().flatten().filter(|(epoch, _)| *epoch < self.epoch);
        closed.map(|(_, file)| file.clone()).collect()
    }

    /// Waits for the storage: a request or two a file.
    fn commit(&mut self, epochs: u64) -> Result<()> {
        let Some(staged) = &mut self.staged else { return Ok(()) };
        let committed = staged.partition_point(|(epoch, _)| *epoch < epochs);
        let files: Vec<&StagedFile> = staged[..committed].iter().map(|(_, file)| file).collect();
        show_all(&self.storage, &self.folder, &files)?;
        staged.drain(..committed);
        Ok(())
    }
}

/// Removes what starts before this one have staged.
fn remove_leftovers(storage: &Remote, folder: &Folder, prefix: &str, since_ms: u64) -> Result<()> {
    let could_not = |failure: Failure| failed(&folder.location(), &failure);
    for file in storage.list(STAGED).map_err(could_not)? {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if started_ms(prefix, name).is_some_and(|started_ms| started_ms < since_ms) {
            storage.delete(&file.path).map_err(could_not)?;
        }
    }
    Ok(())
}

/// When the sink was opened that wrote a file of this name.
fn started_ms(prefix: &str, name: &str) -> Option<u64> {
    let (start, _) = name.strip_prefix(prefix)?.strip_prefix('-')?.split_once('-')?;
    u64::from_str_radix(start, 16).ok()
}

fn millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

fn local(path: &Path, error: &std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::InvalidData {
        return Error(format!("{WHO}: a row cannot be written: {error}. Correct it before it comes to the sink."));
    }
    Error(format!(
        "{WHO}: {}: {error}. Files are written there before they go to the storage: check the disk.",
        path.display()
    ))
}
