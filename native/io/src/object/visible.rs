//! Gives complete files their final names.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use millrace_storage::{Cause, Failure, Remote, remote};

use super::place::Folder;
use super::sink::WHO;
use crate::{Error, Result, StagedFile};

/// Files that are moved at a time: each takes as long as the storage takes to answer.
const MOVES_AT_A_TIME: usize = 8;

/// As [`crate::show_staged`], of files in storages.
pub fn show_staged(files: &[StagedFile]) -> Result<()> {
    let mut folders: Vec<(Folder, Vec<&StagedFile>)> = Vec::new();
    for file in files {
        // The folder of what is staged lies in the sink's own, as those of rows do.
        let folder = Folder::of(&file.staged).and_then(|(staged, _)| staged.above()).ok_or_else(|| {
            Error(format!("{WHO}: {} is no place of a file: the checkpoint is damaged.", file.staged))
        })?;
        match folders.iter_mut().find(|(known, _)| *known == folder) {
            Some((_, files)) => files.push(file),
            None => folders.push((folder, vec![file])),
        }
    }
    folders.iter().try_for_each(|(folder, files)| show_all(&open(folder)?, folder, files))
}

/// Moves files to their places in the folder.
pub fn show_all(storage: &Remote, folder: &Folder, files: &[&StagedFile]) -> Result<()> {
    if let [one] = files {
        return show(storage, folder, one);
    }
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            show(storage, folder, file)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..MOVES_AT_A_TIME.min(files.len())).map(|_| scope.spawn(work)).collect();
        let ended = |_| Err(Error(format!("{WHO}: a thread has ended. This is a bug of Millrace: please report it.")));
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(ended))
    })
}

/// The storage of a folder.
pub fn open(folder: &Folder) -> Result<Remote> {
    remote(WHO, &folder.location(), "").map_err(|error| Error(error.0))
}

/// Moves a file to its place in the folder; one that has been moved already stays as it is.
fn show(storage: &Remote, folder: &Folder, StagedFile { staged, visible }: &StagedFile) -> Result<()> {
    let (Some(from), Some(to)) = (folder.name_of(staged), folder.name_of(visible)) else {
        return Err(Error(format!(
            "{WHO}: {staged} does not lie below the folder of {visible}: the checkpoint is damaged."
        )));
    };
    match storage.rename(from, to) {
        Err(failure) if failure.cause == Cause::Missing => match storage.holds(to) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Error(format!(
                "{WHO}: {staged} has gone, and {visible} is not there either: a file of the checkpoint is missing. Put it \
                 back, or start the job from another checkpoint or without one."
            ))),
            Err(failure) => Err(failed(visible, &failure)),
        },
        moved => moved.map_err(|failure| failed(visible, &failure)),
    }
}

/// That something could not be written, at a place.
pub fn failed(place: &str, failure: &Failure) -> Error {
    let advice = match failure.cause {
        Cause::Full => "Make room there.",
        Cause::Denied => "Check the credentials, and that they allow to read, write, list and delete there.",
        Cause::Unreachable => "Check the address, and that the storage is up.",
        Cause::Missing | Cause::Damaged | Cause::Other => "Check that the bucket or folder is there.",
    };
    match &failure.local {
        Some(local) => Error(format!("{WHO}: {}: {}. Make room on the local disk.", local.display(), failure.text)),
        None => Error(format!("{WHO}: {place}: {}. {advice}", failure.text)),
    }
}
