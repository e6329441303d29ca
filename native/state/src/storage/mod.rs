//! Where checkpoints are written: a folder, an S3 bucket or HDFS.

mod local;
mod location;
mod remote;
mod webhdfs;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use xxhash_rust::xxh3::Xxh3;

use crate::{Error, Result};

/// Where files lie that are on their way to their place; what stays there was never finished.
pub(crate) const INCOMING: &str = "incoming/";

/// What a file is known by once it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    pub size: u64,
    pub checksum: u64,
}

/// A file of a storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub path: String,
    pub size: u64,
    pub modified: Option<SystemTime>,
}

/// What a kind of storage has to do. A file is there whole or not at all, and a call that fails may have had its effect.
pub trait Store: Send + Sync {
    /// Writes a file unless there is one: false, there is. Of several calls at the same time one at most gives true.
    fn put_new(&self, path: &str, content: &[u8]) -> Done<bool>;

    /// `None` where there is no such file.
    fn get(&self, path: &str) -> Done<Option<Vec<u8>>>;

    /// All files below a folder, whose name ends with a slash.
    fn list(&self, folder: &str) -> Done<Vec<Stored>>;

    /// Removes a file; one that is not there is removed already.
    fn delete(&self, path: &str) -> Done<()>;

    /// Copies a local file into the storage.
    fn upload(&self, from: &Path, path: &str) -> Done<Content>;

    /// Copies the first `size` bytes of a file to a local one.
    fn download(&self, path: &str, to: &Path, size: u64) -> Done<Content>;

    /// What was written to and removed from a folder stays so after a power cut.
    fn settle(&self, folder: &str) -> Done<()>;
}

pub type Done<T> = std::result::Result<T, Failure>;

/// Why something could not be done.
#[derive(Debug)]
pub struct Failure {
    pub cause: Cause,
    pub text: String,
    /// The file of the local state that it concerns, and not the storage.
    pub local: Option<PathBuf>,
}

/// What a user can do something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    Full,
    Denied,
    Missing,
    Damaged,
    Unreachable,
    Other,
}

impl Failure {
    pub fn new(cause: Cause, text: impl Into<String>) -> Failure {
        Failure { cause, text: text.into(), local: None }
    }

    fn local(path: &Path, error: &std::io::Error) -> Failure {
        Failure { local: Some(path.to_owned()), ..Failure::from(error) }
    }
}

impl From<&std::io::Error> for Failure {
    fn from(error: &std::io::Error) -> Failure {
        use std::io::ErrorKind::{NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let cause = match error.kind() {
            StorageFull | QuotaExceeded => Cause::Full,
            PermissionDenied | ReadOnlyFilesystem => Cause::Denied,
            NotFound => Cause::Missing,
            _ => Cause::Other,
        };
        Failure::new(cause, error.to_string())
    }
}

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
        let store = location::store(location, folder)?;
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
        Error(format!("checkpoint storage {}: {doing} {path}: {}.{advice}", self.location, failure.text))
    }

    /// Writes, reads, lists and removes a file: fails early where credentials or names are wrong.
    pub fn check(&self, name: &str) -> Result<()> {
        let content = b"Millrace sees whether it can write here.";
        self.put_new(name, content)?;
        if self.put_new(name, content)? {
            log::warn!(
                "checkpoint storage {}: it knows no conditional writes (`If-None-Match: *`), so a job that is started twice \
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

/// What a local file holds.
pub fn content_of(path: &Path) -> std::io::Result<Content> {
    let mut file = File::open(path)?;
    let mut content = Hashing::default();
    let mut part = vec![0; 1 << 20];
    loop {
        match file.read(&mut part)? {
            0 => return Ok(content.end()),
            read => content.add(&part[..read]),
        }
    }
}

/// Learns the content of a file while its parts pass.
#[derive(Default)]
struct Hashing {
    size: u64,
    hash: Xxh3,
}

impl Hashing {
    fn add(&mut self, part: &[u8]) {
        self.size += part.len() as u64;
        self.hash.update(part);
    }

    fn end(&self) -> Content {
        Content { size: self.size, checksum: self.hash.digest() }
    }
}

/// A name that nothing else in the world has.
fn unique_name() -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}-{}", random(), random(), std::process::id())
}

#[cfg(test)]
mod tests;
