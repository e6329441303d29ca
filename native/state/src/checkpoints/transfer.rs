//! Several files at a time.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::{Error, Result};

/// Does the same with all items, `parallel` at a time; results in the order of the items, or the first error.
pub fn in_parallel<T: Sync, R: Send>(
    parallel: usize,
    items: &[T],
    act: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    if parallel.min(items.len()) <= 1 {
        return items.iter().map(act).collect();
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<R>)>> = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..parallel.min(items.len()) {
            scope.spawn(|| {
                while let index = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(item) = items.get(index)
                {
                    let result = act(item);
                    if result.is_err() {
                        next.store(items.len(), Ordering::Relaxed);
                    }
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Gives a file that never changes a second name; where the file system cannot, the copy appears whole.
pub fn link(from: &Path, to: &Path) -> std::io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            // Never onto `to` itself: it may be another name of a file that is in use.
            let incoming = to.with_extension("incoming");
            fs::copy(from, &incoming).and_then(|_| fs::rename(&incoming, to))
        }
        linked => linked,
    }
}

pub fn local(path: &Path, error: &std::io::Error) -> Error {
    let advice = match error.kind() {
        std::io::ErrorKind::StorageFull => ". Free space there, or set `state.directory` to a disk that has some.",
        _ => "",
    };
    Error(format!("state file {}: {error}{advice}", path.display()))
}
