//! Gives complete files their final names.

use std::collections::BTreeSet;
use std::fs::{File, rename};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::sink::{WHO, failed};
use crate::{Error, Result, StagedFile};

/// As [`crate::show_staged`], of local files.
pub fn show_staged(files: &[StagedFile]) -> Result<()> {
    show(files.iter().map(|file| (Path::new(&file.staged), Path::new(&file.visible))))
}

/// Renames files, given as where they are and where they will be.
pub fn show<'a>(files: impl Iterator<Item = (&'a Path, &'a Path)>) -> Result<()> {
    let mut directories = BTreeSet::new();
    for (staged, visible) in files {
        match rename(staged, visible) {
            Ok(()) => {}
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(visible, &error)),
            // It has been done before, though perhaps not put on disk.
            Err(_) if visible.exists() => {}
            Err(_) => {
                return Err(Error(format!(
                    "{WHO}: {} has gone, and {} is not there either: a file of the checkpoint is missing. Put it back, or \
                     start the job from another checkpoint or without one.",
                    staged.display(),
                    visible.display()
                )));
            }
        }
        directories.extend(visible.parent());
    }
    directories.into_iter().try_for_each(|directory| sync(directory).map_err(|error| failed(directory, &error)))
}

/// Puts the names of a directory's files on disk.
pub fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
