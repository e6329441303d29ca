//! S3 and HDFS, through OpenDAL.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use opendal::layers::{RetryLayer, TimeoutLayer};
use opendal::{Entry, ErrorKind, Operator};
use opendal_http_transport_reqwest::ReqwestTransport;
use tokio::runtime::Runtime;

use crate::webhdfs::Namenode;
use crate::{Cause, Content, Done, Error, Failure, Hashing, INCOMING, Result, Store, Stored, unique_name};

/// Files go up and down in parts of this size: S3 takes 10,000 of 5 MB or more, so a file may have 80 GB.
const PART_BYTES: usize = 8 << 20;

/// A request that takes longer has failed: a link that needs it for a part (3 Mbit/s) is too slow for checkpoints.
const STALLED: Duration = Duration::from_secs(20);

/// A request that fails for a passing reason is sent again so often, after 1, 2, 4 and 8 seconds: a throttled bucket or a
/// name node that fails over gets 15 s to recover, and no call takes longer than two minutes for each part of a file.
const RETRIES: usize = 4;

/// A folder of a bucket or of HDFS. Calls wait for the answer, and try again where the cause may pass.
pub struct Remote {
    operator: Operator,
    service: Service,
    runtime: &'static Runtime,
    /// Folders of HDFS that are there.
    folders: Mutex<HashSet<String>>,
}

pub(crate) enum Service {
    /// Of objects, which are made where there are none and copied, but not moved.
    Objects,
    Hdfs(Namenode),
}

impl Remote {
    pub(crate) fn new(who: &str, operator: Operator, service: Service) -> Result<Remote> {
        let operator = operator
            // Each try is bounded, and so is their number: the order matters.
            .layer(TimeoutLayer::new().with_timeout(STALLED).with_io_timeout(STALLED))
            .layer(RetryLayer::new().with_max_times(RETRIES).with_jitter());
        Ok(Remote { operator, service, runtime: runtime(who)?, folders: Mutex::default() })
    }

    /// HDFS moves files only into folders that are there, and says nothing when it does not.
    fn make_folder_of(&self, path: &str) -> Done<()> {
        let Service::Hdfs(_) = self.service else { return Ok(()) };
        for folder in [&path[..path.rfind('/').map_or(0, |end| end + 1)], INCOMING] {
            let known = || self.folders.lock().unwrap_or_else(PoisonError::into_inner);
            if !folder.is_empty() && !known().contains(folder) {
                self.runtime.block_on(self.operator.create_dir(folder)).map_err(|error| failure(&error))?;
                known().insert(folder.into());
            }
        }
        Ok(())
    }

    /// Moves a file. One that is not there is an error of [`Cause::Missing`].
    pub fn rename(&self, from: &str, to: &str) -> Done<()> {
        match &self.service {
            // There is no such request: the server makes a copy.
            Service::Objects => self.runtime.block_on(async {
                self.operator.copy(from, to).await.map_err(|error| failure(&error))?;
                self.operator.delete(from).await.map_err(|error| failure(&error))
            }),
            Service::Hdfs(namenode) => {
                self.make_folder_of(to)?;
                match namenode.rename(from, to)? {
                    true => Ok(()),
                    false => Err(Failure::new(Cause::Missing, format!("{from} is not there, or {to} is already"))),
                }
            }
        }
    }

    async fn files_below(&self, folder: &str) -> opendal::Result<Vec<Entry>> {
        let mut files = Vec::new();
        if let Service::Objects = self.service {
            files = self.operator.list_with(folder).recursive(true).await?;
            files.retain(|entry| entry.metadata().is_file());
            return Ok(files);
        }
        // OpenDAL's walk through folders ends where one cannot be listed at first, and leaves out what it may not read.
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in self.operator.list(&folder).await? {
                if entry.metadata().is_file() {
                    files.push(entry);
                } else if entry.path().trim_matches('/') != folder.trim_matches('/') {
                    folders.push(entry.path().to_owned());
                }
            }
        }
        Ok(files)
    }

    /// Whether a file is there.
    pub fn holds(&self, path: &str) -> Done<bool> {
        self.runtime.block_on(self.operator.exists(path)).map_err(|error| failure(&error))
    }
}

/// One for the process: the connections that OpenDAL keeps live as long as it.
fn runtime(who: &str) -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        // The facade of OpenDAL installs a client of HTTP only if it brings its own TLS.
        opendal::HttpTransporter::install_default(ReqwestTransport::default());
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("millrace-storage")
            .enable_all()
            .build()
    });
    runtime.as_ref().map_err(|error| Error(format!("{who}: no thread could be started: {error}")))
}

impl Store for Remote {
    fn put_new(&self, path: &str, content: &[u8]) -> Done<bool> {
        let content = content.to_vec();
        match &self.service {
            Service::Objects => {
                let write = self.operator.write_with(path, content).if_not_exists(true);
                match self.runtime.block_on(async { write.await }) {
                    Ok(_) => Ok(true),
                    Err(error) if error.kind() == ErrorKind::ConditionNotMatch => Ok(false),
                    Err(error) => Err(failure(&error)),
                }
            }
            Service::Hdfs(namenode) => {
                self.make_folder_of(path)?;
                let incoming = format!("{INCOMING}{}", unique_name());
                let written = self.runtime.block_on(self.operator.write(&incoming, content));
                let placed = written.map_err(|error| failure(&error)).and_then(|_| namenode.rename(&incoming, path));
                if !matches!(placed, Ok(true)) {
                    // The next start removes it if this does not.
                    let _ = self.delete(&incoming);
                }
                placed
            }
        }
    }

    fn get(&self, path: &str) -> Done<Option<Vec<u8>>> {
        match self.runtime.block_on(self.operator.read(path)) {
            Ok(content) => Ok(Some(content.to_vec())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failure(&error)),
        }
    }

    fn list(&self, folder: &str) -> Done<Vec<Stored>> {
        let entries = match self.runtime.block_on(self.files_below(folder)) {
            Ok(entries) => entries,
            // Objects have no folders that could be missing: their bucket is.
            Err(error) if error.kind() == ErrorKind::NotFound && matches!(self.service, Service::Hdfs(_)) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(failure(&error)),
        };
        Ok(entries
            .into_iter()
            .map(|entry| Stored {
                path: entry.path().into(),
                size: entry.metadata().content_length(),
                modified: entry.metadata().last_modified().map(SystemTime::from),
            })
            .collect())
    }

    fn delete(&self, path: &str) -> Done<()> {
        self.runtime.block_on(self.operator.delete(path)).map_err(|error| failure(&error))
    }

    fn upload(&self, from: &Path, path: &str) -> Done<Content> {
        let local = |error: std::io::Error| Failure::local(from, &error);
        let mut file = File::open(from).map_err(local)?;
        self.make_folder_of(path)?;
        self.runtime.block_on(async {
            let failed = |error: opendal::Error| failure(&error);
            let mut writer = self.operator.writer_with(path).chunk(PART_BYTES).await.map_err(failed)?;
            let mut content = Hashing::default();
            let written = async {
                loop {
                    let mut part = Vec::with_capacity(PART_BYTES);
                    Read::by_ref(&mut file).take(PART_BYTES as u64).read_to_end(&mut part).map_err(local)?;
                    if part.is_empty() {
                        break;
                    }
                    content.add(&part);
                    writer.write(part).await.map_err(failed)?;
                }
                writer.close().await.map_err(failed)
            };
            if let Err(failure) = written.await {
                // Parts that stay behind cost room until the bucket's own rules remove them.
                let _ = writer.abort().await;
                return Err(failure);
            }
            if let Service::Hdfs(_) = self.service {
                // OpenDAL does not look whether its last step, a rename, was done.
                let stored = self.operator.stat(path).await.map_err(failed)?.content_length();
                if stored != content.size {
                    let text = format!("{stored} bytes are there, not {}", content.size);
                    return Err(Failure::new(Cause::Other, text));
                }
            }
            Ok(content.end())
        })
    }

    fn download(&self, path: &str, to: &Path, size: u64) -> Done<Content> {
        let local = |error: std::io::Error| Failure::local(to, &error);
        let mut file = File::create(to).map_err(local)?;
        self.runtime.block_on(async {
            let failed = |error: opendal::Error| failure(&error);
            let reader = self.operator.reader(path).await.map_err(failed)?;
            let mut content = Hashing::default();
            while content.size < size {
                let end = size.min(content.size + PART_BYTES as u64);
                let part = match reader.read(content.size..end).await {
                    Ok(part) => part,
                    // Of a file that is shorter than it was, every service says something else.
                    Err(error) => match self.operator.stat(path).await.map(|found| found.content_length()) {
                        Ok(found) if found < size => return Ok(Content { size: found, ..content.end() }),
                        _ => return Err(failed(error)),
                    },
                };
                for part in part {
                    content.add(&part);
                    file.write_all(&part).map_err(local)?;
                }
            }
            Ok(content.end())
        })
    }

    /// A server answers once it has what it was given.
    fn settle(&self, _folder: &str) -> Done<()> {
        Ok(())
    }
}

fn failure(error: &opendal::Error) -> Failure {
    let mut text = words(error.message());
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    if text.is_empty() {
        text = error.kind().into_static().into();
    }
    let says = |what: &[&str]| what.iter().any(|what| text.contains(what));
    let cause = match error.kind() {
        // HDFS answers 403 to much that has nothing to do with permissions.
        _ if says(&["QuotaExceeded", "could only be written to", "StorageFull", "No space left"]) => Cause::Full,
        _ if says(&["Failed to find datanode"]) => Cause::Unreachable,
        ErrorKind::PermissionDenied => Cause::Denied,
        _ if says(&["credential", "Credential"]) => Cause::Denied,
        ErrorKind::NotFound => Cause::Missing,
        _ if says(&["send http request", "timeout"]) => Cause::Unreachable,
        ErrorKind::ConfigInvalid => Cause::Unreachable,
        _ => Cause::Other,
    };
    Failure::new(cause, text.trim_end_matches('.'))
}

/// What a server's answer says, out of what OpenDAL and the server have put around it.
pub(crate) fn words(message: &str) -> String {
    let field = |name: &str| {
        let (_, rest) = message.split_once(name)?;
        let text = rest.trim_start_matches(['"', ':', ' ']).split('"').next()?.split("\\n").next()?;
        Some(text.trim()).filter(|text| !text.is_empty())
    };
    let code = field("code").or_else(|| field("exception")).map(|code| code.rsplit('.').next().unwrap_or(code));
    match (code, field("message")) {
        (Some(code), Some(text)) => format!("{code}: {text}"),
        (Some(text), None) | (None, Some(text)) => text.into(),
        (None, None) => message.lines().next().unwrap_or_default().trim().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_without_data_nodes_is_not_taken_for_one_that_lets_nobody_in() {
        let cause = |text: &str| failure(&opendal::Error::new(ErrorKind::PermissionDenied, text.to_owned())).cause;
        let none =
            r#"{"RemoteException":{"exception":"IOException","message":"Failed to find datanode, suggest to check"}}"#;
        assert_eq!(cause(none), Cause::Unreachable);
        let denied =
            r#"{"RemoteException":{"exception":"AccessControlException","message":"Permission denied: user=x"}}"#;
        assert_eq!(cause(denied), Cause::Denied);
    }

    #[test]
    fn an_answer_is_told_in_its_own_words() {
        let s3 = r#"S3Error { code: "SignatureDoesNotMatch", message: "The signature we calculated does not match.", resource: "/b" }"#;
        assert_eq!(words(s3), "SignatureDoesNotMatch: The signature we calculated does not match.");
        let hdfs = r#"WebHdfsError { exception: "AccessControlException", message: "Permission denied: user=x\n at", java_class_name: "a.B" }"#;
        assert_eq!(words(hdfs), "AccessControlException: Permission denied: user=x");
        let raw = r#"{"RemoteException":{"exception":"StandbyException","javaClassName":"o.a.S","message":"not now"}}"#;
        assert_eq!(words(raw), "StandbyException: not now");
        assert_eq!(words("send http request"), "send http request");
        assert_eq!(words(""), "");
    }
}
