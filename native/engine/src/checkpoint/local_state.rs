//! The folders of a running job's state on the local disk.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::{Error, ErrorCode, Result};

const LOCK: &str = "lock";

/// `DIRECTORY/attempts/ATTEMPT/...`, which is this attempt's alone, and `DIRECTORY/cache`, which outlives it.
pub struct LocalState {
    attempt: PathBuf,
    cache: PathBuf,
    /// Held as long as the attempt lives, so that others can tell it from what a dead one has left.
    _lock: File,
}

impl LocalState {
    /// Makes the folders of an attempt, and removes those of attempts that have ended.
    pub fn open(directory: &Path, attempt: &str) -> Result<LocalState> {
        let attempts = directory.join("attempts");
        let own = attempts.join(attempt);
        let lock = make(&attempts, &own).map_err(|error| failed(&own, &error))?;
        Ok(LocalState { attempt: own, cache: directory.join("cache"), _lock: lock })
    }

    /// Copies of files that the storage has.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// Where a slot keeps its state.
    pub fn slot(&self, slot: usize) -> PathBuf {
        self.attempt.join(format!("slot-{slot}"))
    }

    /// Where files come that state is restored from.
    pub fn restored(&self) -> PathBuf {
        self.attempt.join("restored")
    }
}

impl Drop for LocalState {
    fn drop(&mut self) {
        // The next attempt removes what cannot be removed now.
        let _ = fs::remove_dir_all(&self.attempt);
    }
}

fn make(attempts: &Path, own: &Path) -> std::io::Result<File> {
    fs::create_dir_all(attempts)?;
    for entry in fs::read_dir(attempts)? {
        remove_if_ended(&entry?.path())?;
    }
    fs::create_dir_all(own)?;
    let lock = File::create(own.join(LOCK))?;
    lock.try_lock().map_err(|_| std::io::Error::other("another process has locked it"))?;
    Ok(lock)
}

fn remove_if_ended(attempt: &Path) -> std::io::Result<()> {
    let lock = match File::open(attempt.join(LOCK)) {
        Ok(lock) => lock,
        // Another attempt is just making or removing it.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    match lock.try_lock() {
        Ok(()) => fs::remove_dir_all(attempt),
        Err(TryLockError::WouldBlock) => Ok(()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    let message = format!("local state in {}: {error}. Check the job's `state.directory`.", path.display());
    Error::new(ErrorCode::State, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_attempt_has_left_goes_when_the_next_one_starts_and_a_living_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let living = LocalState::open(folder.path(), "living").unwrap();
        let dead = folder.path().join("attempts/dead");
        fs::create_dir_all(&dead).unwrap();
        File::create(dead.join(LOCK)).unwrap();
        let next = LocalState::open(folder.path(), "next").unwrap();
        assert!(living.slot(0).parent().unwrap().exists() && next.slot(0).parent().unwrap().exists());
        assert!(!dead.exists());
    }
}
