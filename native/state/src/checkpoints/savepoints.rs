//! Savepoints: `savepoints/NAME/manifest` and beside it all files it names. They stay until a user removes them.

use super::row::of_job;
use crate::manifest::Manifest;
use crate::storage::Storage;
use crate::{Error, Result};

const SAVEPOINTS: &str = "savepoints/";

/// Where the files of a savepoint go, if it can have that name. No two tries to write one share a folder.
pub fn folder(storage: &Storage, job: &str, name: &str, attempt: &str, number: u64) -> Result<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        return Err(Error(format!(
            "savepoint \"{name}\" of job \"{job}\": a name has letters, digits, \"-\", \"_\" and \".\", and does not begin \
             with a dot"
        )));
    }
    if storage.get(&path_of(name))?.is_some() {
        return Err(taken(job, name));
    }
    Ok(format!("{SAVEPOINTS}{name}/{attempt}-{number}/"))
}

/// Writes the manifest of a savepoint whose files are there.
pub fn write(storage: &Storage, manifest: &Manifest, name: &str) -> Result<()> {
    let bytes = manifest.encode();
    let path = path_of(name);
    // The answer to a request that is sent again may be the one to the first.
    if storage.put_new(&path, &bytes)? || storage.get(&path)?.is_some_and(|found| found == bytes) {
        return Ok(());
    }
    Err(taken(&manifest.job, name))
}

/// All savepoints that can be read, oldest first.
pub fn list(storage: &Storage, job: &str) -> Result<Vec<(String, Manifest)>> {
    let mut found = Vec::new();
    for stored in storage.list(SAVEPOINTS)? {
        let Some(name) = stored.path.strip_prefix(SAVEPOINTS).and_then(|path| path.strip_suffix("/manifest")) else {
            continue;
        };
        match read(storage, job, name) {
            Ok(Some(manifest)) => found.push((name.to_owned(), manifest)),
            Ok(None) => {}
            Err(error) => log::warn!("{error}"),
        }
    }
    found.sort_by_key(|(_, manifest)| manifest.created_ms);
    Ok(found)
}

pub fn read(storage: &Storage, job: &str, name: &str) -> Result<Option<Manifest>> {
    let Some(bytes) = storage.get(&path_of(name))? else { return Ok(None) };
    let what = format!("savepoint \"{name}\"");
    of_job(Manifest::decode(&bytes, &what)?, job, &what).map(Some)
}

fn path_of(name: &str) -> String {
    format!("{SAVEPOINTS}{name}/manifest")
}

fn taken(job: &str, name: &str) -> Error {
    Error(format!("savepoint \"{name}\" of job \"{job}\" is there already: choose another name"))
}
