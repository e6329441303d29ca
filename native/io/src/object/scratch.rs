//! Folders for files that are on their way to a storage or from there.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use tempfile::TempDir;

const PREFIX: &str = "millrace-objects-";

/// Its lock says that the folder is in use: the system releases it with the process, however that ends.
const LOCK: &str = "in-use";

/// A folder in that of temporary files, which goes when this does. What a process has left that was killed goes when the
/// next one is made.
pub struct Scratch {
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    pub fn new() -> io::Result<Scratch> {
        Scratch::below(&std::env::temp_dir())
    }

    fn below(parent: &Path) -> io::Result<Scratch> {
        remove_leftovers(parent);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        // It has its name once it is locked: others must not take a folder that is being made for one that was left.
        let making = folder.path().join("making");
        let lock = File::create_new(&making)?;
        lock.lock()?;
        fs::rename(&making, folder.path().join(LOCK))?;
        Ok(Scratch { folder, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// What cannot be looked at or removed belongs to somebody else, and stays.
fn remove_leftovers(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let folder = entry.path();
        let is_left = File::open(folder.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if is_left {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_process_has_left_is_removed_and_what_is_in_use_stays() {
        let parent = tempfile::tempdir().unwrap();
        let used = Scratch::below(parent.path()).unwrap();
        fs::write(used.path().join("file"), "content").unwrap();
        let folder = |name: &str, files: &[&str]| {
            let folder = parent.path().join(name);
            fs::create_dir(&folder).unwrap();
            for file in files {
                fs::write(folder.join(file), "content").unwrap();
            }
            folder
        };
        let left = folder("millrace-objects-left", &[LOCK, "file"]);
        let begun = folder("millrace-objects-begun", &["making"]);
        let foreign = folder("other", &[LOCK]);

        let next = Scratch::below(parent.path()).unwrap();

        assert!(!left.exists());
        assert!(used.path().join("file").exists());
        assert!(begun.exists() && foreign.exists());
        let path = next.path().to_owned();
        drop(next);
        assert!(!path.exists());
    }
}
