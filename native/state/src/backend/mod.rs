//! Where the keyed state of one slot lives while the job runs.

mod heap;
mod rocks;

use std::path::{Path, PathBuf};

pub use rocks::RocksDbOptions;

use crate::{KeyGroups, KeyedState, Result, Run};

/// Where a job keeps its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendKind {
    /// In memory; a checkpoint writes all of it.
    Filesystem,
    /// In RocksDB on the local disk; a checkpoint writes what is new.
    RocksDb,
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

/// What is called with the keys and stored values of a range.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<()>;

/// The state of one slot. Calls come from one thread.
pub trait Backend: Send {
    /// Adds a run: each value is put behind those that its key has.
    fn append(&mut self, run: &Run) -> Result<()>;

    /// Visits the keys from `from` up to, not including, `to`, in order.
    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> Result<()>;

    /// Forgets the keys from `from` up to, not including, `to`.
    fn delete_range(&mut self, from: &[u8], to: &[u8]) -> Result<()>;

    /// Files that together hold everything there is now, in the folder `into`, which is made. They stay as they are
    /// whatever happens later.
    fn snapshot(&mut self, into: &Path) -> Result<Vec<LocalFile>>;

    /// Bytes that the state takes.
    fn bytes(&self) -> u64;
}

/// Opens an empty backend in the folder `at`, or one that holds the key groups `groups` of what `restored` lie in:
/// states of a checkpoint and the folders that hold their files under their local names.
pub fn open(
    kind: BackendKind,
    at: &Path,
    options: &RocksDbOptions,
    groups: &KeyGroups,
    restored: &[(KeyedState, PathBuf)],
) -> Result<Box<dyn Backend>> {
    let whole = match restored {
        [(state, files)] if state.key_groups == *groups && state.backend == kind => Some(files),
        _ => None,
    };
    let mut backend = create(kind, at, options, whole.map(PathBuf::as_path))?;
    if whole.is_none() {
        for (state, files) in restored {
            let from = create(state.backend, files, options, Some(files))?;
            copy_groups(from.as_ref(), backend.as_mut(), groups)?;
        }
    }
    Ok(backend)
}

fn create(kind: BackendKind, at: &Path, options: &RocksDbOptions, restored: Option<&Path>) -> Result<Box<dyn Backend>> {
    Ok(match kind {
        BackendKind::Filesystem => Box::new(heap::Heap::open(restored)?),
        BackendKind::RocksDb => Box::new(rocks::RocksDb::open(at, options, restored)?),
    })
}

/// What is copied at once when key groups move.
const COPY_BYTES: usize = 16 << 20;

fn copy_groups(from: &dyn Backend, to: &mut dyn Backend, groups: &KeyGroups) -> Result<()> {
    let mut run = Run::default();
    from.scan(&[], &[u8::MAX; 64], &mut |key, stored| {
        if crate::key_group_of(key).is_some_and(|group| groups.contains(&group)) {
            run.push_stored(key, stored);
        }
        if run.bytes() >= COPY_BYTES {
            to.append(&std::mem::take(&mut run))?;
        }
        Ok(())
    })?;
    to.append(&run)
}

#[cfg(test)]
mod tests;
