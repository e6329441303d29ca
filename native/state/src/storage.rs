//! Where checkpoints are written: a folder, an S3 bucket or HDFS, through OpenDAL.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use opendal::layers::{RetryLayer, TimeoutLayer};
use opendal::{ErrorKind, Operator, services};
use tokio::runtime::Runtime;
use url::Url;
use xxhash_rust::xxh3::Xxh3;

use crate::{Error, Result};

/// A request that fails for a passing reason is sent again so often, with pauses that grow from 1 s to 60 s.
const RETRIES: usize = 4;

/// A request that moves nothing for so long has failed.
const STALLED: Duration = Duration::from_secs(20);

/// Files go up and down in parts of this size.
const PART_BYTES: usize = 8 << 20;

/// One folder of a storage. Calls wait for the storage.
pub struct Storage {
    /// As the user gave it.
    location: String,
    operator: Operator,
    runtime: Runtime,
}

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
    pub modified: Option<SystemTime>,
}

impl Storage {
    /// `location` is `file:PATH`, `s3://BUCKET/PATH` or `hdfs://HOST:PORT/PATH` (WebHDFS); `folder` lies below it. S3's
    /// credentials, region and endpoint come from the usual AWS variables; `?endpoint=`, `?region=` and, for HDFS,
    /// `?user=` go before them.
    pub fn open(location: &str, folder: &str) -> Result<Storage> {
        let url = Url::parse(location).ok().filter(|url| matches!(url.scheme(), "file" | "s3" | "hdfs"));
        let url = url.ok_or_else(|| {
            Error(format!(
                "checkpoint storage \"{location}\" is none that is known: give \"file:PATH\", \"s3://BUCKET/PATH\" or \
                 \"hdfs://HOST:PORT/PATH\""
            ))
        })?;
        let failed = |error: &dyn std::fmt::Display| Error(format!("checkpoint storage {location}: {error}"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("millrace-storage")
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        let operator = operator(location, &url, folder).map_err(|error| failed(&error))?;
        let operator = operator
            .layer(TimeoutLayer::new().with_timeout(STALLED).with_io_timeout(STALLED))
            .layer(RetryLayer::new().with_max_times(RETRIES).with_jitter());
        Ok(Storage { location: location.into(), operator, runtime })
    }

    fn failed(&self, doing: &str, path: &str, error: &dyn std::fmt::Display) -> Error {
        let text = error.to_string();
        let advice = if text.contains("No space left") || text.contains("StorageFull") {
            " Free space there; the job goes on, and recovers from the last checkpoint that was written."
        } else if text.contains("PermissionDenied") || text.contains("InvalidAccessKeyId") || text.contains("403") {
            " Check the credentials and what they allow."
        } else {
            ""
        };
        Error(format!("checkpoint storage {}: {doing} {path}: {text}.{advice}", self.location))
    }

    /// Writes, reads and removes a file: fails early where credentials or names are wrong.
    pub fn check(&self, name: &str) -> Result<()> {
        self.put(name, b"millrace")?;
        self.get(name)?;
        self.delete(name)
    }

    pub fn put(&self, path: &str, content: &[u8]) -> Result<()> {
        let written = self.runtime.block_on(self.operator.write(path, content.to_vec()));
        written.map(|_| ()).map_err(|error| self.failed("writing", path, &error))
    }

    /// Writes a file unless there is one: false, there is.
    pub fn put_new(&self, path: &str, content: &[u8]) -> Result<bool> {
        let conditional = self.operator.info().capability().write_with_if_not_exists;
        // WebHDFS has no such condition in OpenDAL: the look and the write are two steps there.
        if !conditional && self.exists(path)? {
            return Ok(false);
        }
        let write = self.operator.write_with(path, content.to_vec());
        let write = if conditional { write.if_not_exists(true) } else { write };
        match self.runtime.block_on(async { write.await }) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::ConditionNotMatch => Ok(false),
            Err(error) => Err(self.failed("writing", path, &error)),
        }
    }

    fn exists(&self, path: &str) -> Result<bool> {
        self.runtime.block_on(self.operator.exists(path)).map_err(|error| self.failed("looking for", path, &error))
    }

    pub fn get(&self, path: &str) -> Result<Vec<u8>> {
        let read = self.runtime.block_on(self.operator.read(path));
        read.map(|content| content.to_vec()).map_err(|error| self.failed("reading", path, &error))
    }

    /// Everything below a folder.
    pub fn list(&self, folder: &str) -> Result<Vec<Stored>> {
        let listed = self.runtime.block_on(async { self.operator.list_with(folder).recursive(true).await });
        let entries = match listed {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.failed("listing", folder, &error)),
        };
        let files = entries.into_iter().filter(|entry| entry.metadata().is_file());
        Ok(files
            .map(|entry| Stored {
                path: entry.path().into(),
                modified: entry.metadata().last_modified().map(SystemTime::from),
            })
            .collect())
    }

    /// Removes a file; one that is not there is removed already.
    pub fn delete(&self, path: &str) -> Result<()> {
        self.runtime.block_on(self.operator.delete(path)).map_err(|error| self.failed("removing", path, &error))
    }

    /// Copies a local file into the storage.
    pub fn upload(&self, from: &Path, path: &str) -> Result<Content> {
        let local = |error: std::io::Error| Error(format!("state file {}: {error}", from.display()));
        let mut file = File::open(from).map_err(local)?;
        let failed = |error: opendal::Error| self.failed("writing", path, &error);
        self.runtime.block_on(async {
            let mut writer = self.operator.writer_with(path).chunk(PART_BYTES).await.map_err(failed)?;
            let (mut size, mut hash) = (0, Xxh3::new());
            loop {
                let mut part = Vec::with_capacity(PART_BYTES);
                Read::by_ref(&mut file).take(PART_BYTES as u64).read_to_end(&mut part).map_err(local)?;
                if part.is_empty() {
                    break;
                }
                size += part.len() as u64;
                hash.update(&part);
                writer.write(part).await.map_err(failed)?;
            }
            writer.close().await.map_err(failed)?;
            Ok(Content { size, checksum: hash.digest() })
        })
    }

    /// Copies a file of the storage to a local one and checks what came.
    pub fn download(&self, path: &str, to: &Path, expected: Content) -> Result<()> {
        let local = |error: std::io::Error| Error(format!("state file {}: {error}", to.display()));
        let failed = |error: opendal::Error| self.failed("reading", path, &error);
        let mut file = File::create(to).map_err(local)?;
        let found = self.runtime.block_on(async {
            let reader = self.operator.reader_with(path).chunk(PART_BYTES).await.map_err(failed)?;
            let (mut size, mut hash) = (0u64, Xxh3::new());
            while size < expected.size {
                let end = expected.size.min(size + PART_BYTES as u64);
                let part = reader.read(size..end).await.map_err(failed)?.to_vec();
                if part.is_empty() {
                    break;
                }
                size += part.len() as u64;
                hash.update(&part);
                file.write_all(&part).map_err(local)?;
            }
            Ok::<_, Error>(Content { size, checksum: hash.digest() })
        })?;
        if found != expected {
            return Err(self.failed("reading", path, &damaged(found, expected)));
        }
        Ok(())
    }
}

fn damaged(found: Content, expected: Content) -> String {
    format!(
        "the file is damaged ({} bytes with checksum {:016x}, not {} with {:016x}). Restore from an older checkpoint, or \
         from a savepoint",
        found.size, found.checksum, expected.size, expected.checksum
    )
}

/// What a local file holds.
pub fn content_of(path: &Path) -> std::io::Result<Content> {
    let mut file = File::open(path)?;
    let (mut size, mut hash) = (0, Xxh3::new());
    let mut part = vec![0; 1 << 20];
    loop {
        match file.read(&mut part)? {
            0 => return Ok(Content { size, checksum: hash.digest() }),
            read => {
                size += read as u64;
                hash.update(&part[..read]);
            }
        }
    }
}

fn operator(location: &str, url: &Url, folder: &str) -> std::result::Result<Operator, opendal::Error> {
    let parameter = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    match url.scheme() {
        "s3" => {
            let endpoint = parameter("endpoint").or_else(|| variable("AWS_ENDPOINT_URL_S3"));
            let endpoint = endpoint.or_else(|| variable("AWS_ENDPOINT_URL"));
            let region = parameter("region").or_else(|| variable("AWS_REGION")).unwrap_or_else(|| "us-east-1".into());
            let mut s3 = services::S3::default()
                .bucket(url.host_str().unwrap_or_default())
                .root(&format!("{}/{folder}", url.path()))
                .region(&region);
            if let Some(endpoint) = endpoint {
                s3 = s3.endpoint(&endpoint);
            }
            Ok(Operator::new(s3)?)
        }
        "hdfs" => {
            let host = format!("http://{}:{}", url.host_str().unwrap_or_default(), url.port().unwrap_or(9870));
            let user = parameter("user").or_else(|| variable("HADOOP_USER_NAME")).unwrap_or_else(|| "root".into());
            let hdfs = services::Webhdfs::default().endpoint(&host).user_name(&user).disable_list_batch();
            Ok(Operator::new(hdfs.root(&format!("{}/{folder}", url.path())))?)
        }
        _ => {
            let path = location.trim_start_matches("file:");
            let path = if path.starts_with("//") { url.path() } else { path };
            let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
            Ok(Operator::new(services::Fs::default().root(&path.join(folder).to_string_lossy()))?)
        }
    }
}
