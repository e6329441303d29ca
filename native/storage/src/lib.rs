//! Storages of files: a folder, a bucket of S3, Google Cloud Storage or Azure, or HDFS. What lies there is whole or not there at all.

mod local;
mod location;
mod remote;
mod webhdfs;

pub use location::{is_remote, remote, store};
pub use remote::Remote;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use xxhash_rust::xxh3::Xxh3;

/// Where files lie that are on their way to their place; what stays there was never finished.
pub const INCOMING: &str = "incoming/";

/// A location that cannot be used, in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub String);

pub type Result<T> = std::result::Result<T, Error>;

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
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_understood() {
        let cause = |code: i32| Failure::from(&std::io::Error::from_raw_os_error(code)).cause;
        let (no_space, over_quota, denied, read_only, input_output) = (28, 122, 13, 30, 5);
        assert_eq!(cause(no_space), Cause::Full);
        assert_eq!(cause(over_quota), Cause::Full);
        assert_eq!(cause(denied), Cause::Denied);
        assert_eq!(cause(read_only), Cause::Denied);
        assert_eq!(cause(input_output), Cause::Other);
    }
}
