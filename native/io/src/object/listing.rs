//! Which objects there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use glob::{MatchOptions, Pattern};
use millrace_storage::{Cause, Failure, INCOMING, Remote, Store, is_remote, remote};

use super::place::{Folder, split};
use crate::file::FILE_SOURCE;
use crate::{Error, Result};

/// Slashes part folders, as they do in paths.
const LIKE_PATHS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// What one of the paths names: objects of one folder.
pub struct Listing {
    path: String,
    folder: Folder,
    storage: Arc<Remote>,
    /// From the folder on.
    pattern: Pattern,
}

/// An object as it was when it was listed.
#[derive(Clone)]
pub struct Object {
    pub storage: Arc<Remote>,
    /// From the storage's folder on.
    pub name: String,
    pub bytes: u64,
}

impl Listing {
    pub fn new(path: &str) -> Result<Listing> {
        if !is_remote(path) {
            return Err(Error(format!(
                "{FILE_SOURCE}: {path} is a local path, and others are not. Read them by a source each, and unite the streams."
            )));
        }
        let (plain, options) = split(path);
        let literal = plain.find(['*', '?', '[']).unwrap_or(plain.len());
        let (folder, pattern) = plain[..literal]
            .rfind('/')
            .map(|slash| (&plain[..slash], &plain[slash + 1..]))
            .filter(|(_, pattern)| !pattern.is_empty())
            .ok_or_else(|| {
                Error(format!("{FILE_SOURCE}: {path} names no file. Name some, as in \"{plain}/*.jsonl\"."))
            })?;
        let pattern = Pattern::new(pattern)
            .map_err(|error| Error(format!("{FILE_SOURCE}: {path} is not a glob: {error}. Correct the path.")))?;
        let folder = Folder::new(&format!("{folder}{options}"));
        let storage = remote(FILE_SOURCE, &folder.location(), "").map_err(|error| Error(error.0))?;
        Ok(Listing { path: path.to_owned(), folder, storage: Arc::new(storage), pattern })
    }

    /// Adds what is there now, by its place.
    pub fn find(&self, found: &mut BTreeMap<String, Object>) -> Result<()> {
        for file in self.storage.list("").map_err(|failure| failed(&self.path, &failure))? {
            if !is_hidden(&file.path) && self.pattern.matches_with(&file.path, LIKE_PATHS) {
                let object = Object { storage: self.storage.clone(), name: file.path.clone(), bytes: file.size };
                found.insert(self.folder.place(&file.path), object);
            }
        }
        Ok(())
    }
}

/// As in Hadoop, what begins with an underscore or a point is not meant for readers: files that sinks stage among it.
fn is_hidden(name: &str) -> bool {
    name.starts_with(INCOMING) || name.split('/').any(|part| part.starts_with(['_', '.']))
}

/// That something could not be read, at a place.
pub fn failed(place: &str, failure: &Failure) -> Error {
    let advice = match failure.cause {
        Cause::Denied => "Check the credentials, and that they allow to list and read there.",
        Cause::Unreachable => "Check the address, and that the storage is up.",
        Cause::Missing => "Check that it is there.",
        Cause::Full | Cause::Damaged | Cause::Other => "Check the storage.",
    };
    match &failure.local {
        Some(local) => {
            Error(format!("{FILE_SOURCE}: {}: {}. Make room on the local disk.", local.display(), failure.text))
        }
        None => Error(format!("{FILE_SOURCE}: {place}: {}. {advice}", failure.text)),
    }
}
