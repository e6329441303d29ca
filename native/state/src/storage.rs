//! Where checkpoints are written, in the words that concern checkpoints.

use std::path::Path;

use millrace_storage::{Cause, Content, Failure, Store, Stored};

use crate::{Error, Result};

/// As errors name it.
const WHO: &str = "checkpoint storage";

/// One folder of a storage. Calls wait for the storage.
pub struct Storage {
    /// As the user gave it.
    location: String,
    store: Box<dyn Store>,
}

impl Storage {
    /// `location` is `file:PATH`, `s3://BUCKET/PATH` or `hdfs://HOST:PORT/PATH` (WebHDFS, its HTTP port); `folder` lies
    /// below it. S3's credentials, region and endpoint come from the usual AWS variables; `?endpoint=`, `?region=` and,
    /// for HDFS, `?user=` go before them.
    pub fn open(location: &str, folder: &str) -> Result<Storage> {
        let store = millrace_storage::store(WHO, location, folder).map_err(|error| Error(error.0))?;
        Ok(Storage::of(location, store))
    }

    /// Of a kind of its own; `location` is what errors call it.
    pub fn of(location: &str, store: Box<dyn Store>) -> Storage {
        Storage { location: location.into(), store }
    }

    fn failed(&self, doing: &str, path: &str, failure: &Failure) -> Error {
        if let Some(local) = &failure.local {
            let advice = match failure.cause {
                Cause::Full => " Free space there, or set `state.directory` to a disk that has some.",
                _ => "",
            };
            return Error(format!("state file {}: {}.{advice}", local.display(), failure.text));
        }
        let advice = match failure.cause {
            Cause::Full => " Free space there: until there is some, no checkpoint can be written.",
            Cause::Denied => " Check the credentials, and that they allow to read, write, list and delete there.",
            Cause::Missing => " It has been removed: restore from another checkpoint or from a savepoint.",
            Cause::Damaged => " Restore from another checkpoint or from a savepoint.",
            Cause::Unreachable => " Check the address, and that the storage is up.",
            Cause::Other => "",
        };
        Error(format!("{WHO} {}: {doing} {path}: {}.{advice}", self.location, failure.text))
    }

    /// Writes, reads, lists and removes a file: fails early where credentials or names are wrong.
    pub fn check(&self, name: &str) -> Result<()> {
        let content = b"Millrace sees whether it can write here.";
        self.put_new(name, content)?;
        if self.put_new(name, content)? {
            log::warn!(
                "{WHO} {}: it knows no conditional writes (`If-None-Match: *`), so a job that is started twice \
                 goes unnoticed and may damage its checkpoints. Take care that it runs once.",
                self.location
            );
        }
        self.get(name)?;
        self.list(name.rsplit_once('/').map_or("", |(folder, _)| &name[..=folder.len()]))?;
        self.delete(name)
    }

    /// Writes a file unless there is one: false, there is.
    pub fn put_new(&self, path: &str, content: &[u8]) -> Result<bool> {
        self.store.put_new(path, content).map_err(|failure| self.failed("writing", path, &failure))
    }

    /// `None` where there is no such file.
    pub fn get(&self, path: &str) -> Result<Option<Vec<u8>>> {
        self.store.get(path).map_err(|failure| self.failed("reading", path, &failure))
    }

    /// All files below a folder, whose name ends with a slash.
    pub fn list(&self, folder: &str) -> Result<Vec<Stored>> {
        self.store.list(folder).map_err(|failure| self.failed("listing", folder, &failure))
    }

    /// Removes a file; one that is not there is removed already.
    pub fn delete(&self, path: &str) -> Result<()> {
        self.store.delete(path).map_err(|failure| self.failed("removing", path, &failure))
    }

    /// Copies a local file into the storage.
    pub fn upload(&self, from: &Path, path: &str) -> Result<Content> {
        self.store.upload(from, path).map_err(|failure| self.failed("writing", path, &failure))
    }

    /// Copies a file of the storage to a local one and checks what came.
    pub fn download(&self, path: &str, to: &Path, expected: Content) -> Result<()> {
        let failed = |failure| self.failed("reading", path, &failure);
        let found = self.store.download(path, to, expected.size).map_err(failed)?;
        if found != expected {
            let text = match found.size == expected.size {
                true => format!("checksum {:016x} and not {:016x}", found.checksum, expected.checksum),
                false => format!("{} bytes and not {}", found.size, expected.size),
            };
            let text = format!("the file is damaged ({text})");
            return Err(failed(Failure::new(Cause::Damaged, text)));
        }
        Ok(())
    }

    /// What was written to and removed from a folder stays so after a power cut.
    pub fn settle(&self, folder: &str) -> Result<()> {
        self.store.settle(folder).map_err(|failure| self.failed("writing", folder, &failure))
    }
}

#[cfg(test)]
mod tests;
