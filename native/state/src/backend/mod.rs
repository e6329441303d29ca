//! Where the keyed state of one slot lives while the job runs.

mod heap;
mod rocks;

use std::path::{Path, PathBuf};

use crate::{Error, Expiry, KeyGroups, KeyedState, Result, Run, StateKey, operator_range};

/// Where a job keeps its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendKind {
    /// In memory; a checkpoint writes all of it.
    Filesystem,
    /// In RocksDB on the local disk; a checkpoint writes what is new.
    RocksDb,
}

/// What a job may ask of a backend.
#[derive(Debug, Clone)]
pub struct BackendOptions {
    /// Bytes of RocksDB's cache of blocks, for each slot.
    pub block_cache_bytes: usize,
    /// Single keys are asked for by [`Backend::get`].
    pub is_looked_up: bool,
    pub expiry: Expiry,
}

impl Default for BackendOptions {
    fn default() -> Self {
        BackendOptions { block_cache_bytes: 8 << 20, is_looked_up: false, expiry: Expiry::default() }
    }
}

/// A file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFile {
    /// Its name in the backend. An `immutable` file of the same name has the same content in every snapshot.
    pub name: String,
    pub path: PathBuf,
    pub size: u64,
    pub immutable: bool,
}

/// Files that together hold the state as it was at one moment. The folder they lie in goes with it.
#[derive(Debug)]
pub struct Snapshot {
    folder: PathBuf,
    pub files: Vec<LocalFile>,
}

impl Snapshot {
    /// Of the files in a folder that is the snapshot's alone.
    pub fn new(folder: PathBuf, files: Vec<LocalFile>) -> Snapshot {
        Snapshot { folder, files }
    }

    /// Leaves the folder where it is.
    pub fn keep(mut self) -> PathBuf {
        std::mem::take(&mut self.folder)
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if !self.folder.as_os_str().is_empty()
            && let Err(error) = std::fs::remove_dir_all(&self.folder)
        {
            log::warn!("snapshot {} is still there, remove it: {error}", self.folder.display());
        }
    }
}

/// What is called with the keys and stored values of a range.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<()>;

/// Fills an empty run with the next part of a long one, or leaves it empty at the end.
pub type Fill<'a> = &'a mut dyn FnMut(&mut Run) -> Result<()>;

/// The state of one slot. Calls come from one thread.
pub trait Backend: Send {
    /// Adds a run: each value is put behind those that its key has.
    fn append(&mut self, run: &Run) -> Result<()>;

    /// Adds a run that is too long to be in memory as a whole: its parts follow each other in the order of their keys.
    fn append_parts(&mut self, fill: Fill<'_>) -> Result<()>;

    /// Adds a run: each value takes the place of those that its key has, and keys without a value are forgotten.
    fn put(&mut self, run: &Run) -> Result<()>;

    /// Writes what is stored of a key to `stored`; false: there is nothing.
    fn get(&self, key: &[u8], stored: &mut Vec<u8>) -> Result<bool>;

    /// Visits the keys from `from` up to, not including, `to`, in order.
    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> Result<()>;

    /// The first key from `from` up to, not including, `to`.
    fn next_key(&self, from: &[u8], to: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Forgets the keys from `from` up to, not including, `to`.
    fn delete_range(&mut self, from: &[u8], to: &[u8]) -> Result<()>;

    /// Files that together hold everything there is now, in the folder `into`, which is made. They stay as they are
    /// whatever happens later.
    fn snapshot(&mut self, into: &Path) -> Result<Snapshot>;

    fn figures(&self) -> BackendFigures;
}

/// How much there is in a backend, and what RocksDB is doing about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BackendFigures {
    /// Bytes of the state; of RocksDB, those of its live files.
    pub bytes: u64,
    /// Of RocksDB, an estimate.
    pub entries: u64,
    pub running_compactions: u64,
    pub pending_compaction_bytes: u64,
    /// Bytes a second that writes are slowed down to; 0: they are not.
    pub delayed_write_rate: u64,
    /// Databases that take no writes now.
    pub stopped_writes: u64,
    pub block_cache_bytes: u64,
}

impl BackendFigures {
    /// Of two backends together.
    pub fn plus(self, other: BackendFigures) -> BackendFigures {
        BackendFigures {
            bytes: self.bytes + other.bytes,
            entries: self.entries + other.entries,
            running_compactions: self.running_compactions + other.running_compactions,
            pending_compaction_bytes: self.pending_compaction_bytes + other.pending_compaction_bytes,
            delayed_write_rate: self.delayed_write_rate + other.delayed_write_rate,
            stopped_writes: self.stopped_writes + other.stopped_writes,
            block_cache_bytes: self.block_cache_bytes + other.block_cache_bytes,
        }
    }
}

/// Opens an empty backend in the folder `at`, or one that holds the key groups `groups` of what `restored` lie in:
/// states of a checkpoint and the folders that hold their files under their local names. Nothing is changed in those
/// folders, and any number of slots may read them at the same time.
pub fn open(
    kind: BackendKind,
    at: &Path,
    options: &BackendOptions,
    groups: &KeyGroups,
    restored: &[(KeyedState, PathBuf)],
) -> Result<Box<dyn Backend>> {
    let whole = taken_over(kind, groups, restored.iter().map(|(state, _)| state));
    let whole = whole.and_then(|index| restored.get(index)).map(|(_, files)| files.as_path());
    let mut backend: Box<dyn Backend> = match kind {
        BackendKind::Filesystem => Box::new(heap::Heap::open(whole, options.expiry.clone())?),
        BackendKind::RocksDb => Box::new(rocks::RocksDb::open(at, options, whole)?),
    };
    if whole.is_none() {
        for (state, files) in restored.iter().filter(|(state, _)| overlap(&state.key_groups, groups)) {
            copy_groups(state.backend, files, backend.as_mut(), groups)?;
        }
    }
    Ok(backend)
}

/// Visits what a state of a checkpoint, whose files lie in a folder, has of one operator.
pub fn read_operator(state: &KeyedState, files: &Path, operator: &StateKey, visit: Visit<'_>) -> Result<()> {
    let (from, to) = operator_range(operator);
    match state.backend {
        BackendKind::Filesystem => heap::read_range(files, &from, &to, visit),
        BackendKind::RocksDb => rocks::read_range(files, &from, &to, visit),
    }
}

/// Which of the states of a checkpoint a slot takes over as it is, files and all: the only one that holds any of its
/// key groups, if it holds just those.
pub fn taken_over<'a>(
    kind: BackendKind,
    groups: &KeyGroups,
    states: impl Iterator<Item = &'a KeyedState>,
) -> Option<usize> {
    let mut held = states.enumerate().filter(|(_, state)| overlap(&state.key_groups, groups));
    let (index, only) = held.next()?;
    (held.next().is_none() && only.key_groups == *groups && only.backend == kind).then_some(index)
}

fn overlap(some: &KeyGroups, others: &KeyGroups) -> bool {
    some.start.max(others.start) < some.end.min(others.end)
}

/// What is wrong with the state at a place, and what to do.
fn failed(at: &Path, error: impl std::fmt::Display) -> Error {
    Error(format!("state in {}: {error}{}", at.display(), advice(&error.to_string())))
}

fn advice(error: &str) -> &'static str {
    if error.contains("No space left") {
        ". Free space, or set `state.directory` to a disk that has some; the job goes on from its last checkpoint."
    } else if error.contains("Corruption") {
        ". The local state is damaged: delete the folder and start the job again, it restores from its last checkpoint."
    } else {
        ""
    }
}

/// What is copied at once when key groups move.
const COPY_BYTES: usize = 16 << 20;

fn copy_groups(kind: BackendKind, files: &Path, to: &mut dyn Backend, groups: &KeyGroups) -> Result<()> {
    let mut run = Run::default();
    let copy: Visit<'_> = &mut |key, stored| {
        run.push_stored(key, stored);
        if run.bytes() >= COPY_BYTES {
            to.append(&std::mem::take(&mut run))?;
        }
        Ok(())
    };
    match kind {
        BackendKind::Filesystem => heap::read_groups(files, groups, copy)?,
        BackendKind::RocksDb => rocks::read_groups(files, groups, copy)?,
    }
    to.append(&run)
}

#[cfg(test)]
mod tests;
