//! Where a checkpoint goes on in files.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::UNIX_EPOCH;

use super::source::WHO;
use crate::{Error, Restored, Result};

/// What tells a file from others that have or had its path; 0 tells nothing.
pub fn generation(metadata: &Metadata) -> i32 {
    // The number of a removed file is given to the next one, but not the time.
    let born = metadata.created().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let born_ns = born.map_or(0, |age| age.as_nanos() as u64);
    let both = metadata.ino().wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ born_ns;
    ((both ^ (both >> 32)) as i32 & i32::MAX).max(1)
}

/// The line to start at.
pub fn start(restored: &[Restored], path: &str, generation: i32) -> Result<i64> {
    let of_path = || restored.iter().filter(|at| at.resource == path);
    if let Some(at) = of_path().find(|at| at.partition == generation || at.partition == 0) {
        return Ok(at.offset);
    }
    match of_path().find(|at| at.offset != Restored::READ_TO_END) {
        None => Ok(0),
        Some(at) => Err(lost(at, "of a file that had this path, which now leads to another")),
    }
}

/// Files that have gone are only missed if they were not read to their end.
pub fn check_gone(restored: &[Restored], is_found: impl Fn(&str) -> bool) -> Result<()> {
    match restored.iter().find(|at| at.offset != Restored::READ_TO_END && !is_found(&at.resource)) {
        None => Ok(()),
        Some(at) => Err(lost(at, "and the file has gone")),
    }
}

/// The file has fewer lines than the job had read.
pub fn too_short(path: &str, start: i64, lines: i64) -> Error {
    let at = Restored { resource: path.to_owned(), partition: 0, offset: start, token: None };
    lost(&at, &format!("and the file ends after line {lines}: it is not the one that the job was reading"))
}

/// The file has fewer rows than the job had read.
pub fn too_few_rows(path: &str, start: i64, rows: i64) -> Error {
    Error(format!(
        "{WHO}: {path}: the checkpoint goes on after {start} rows, and the file has {rows}: it is not the one that the job was \
         reading. Put back the file as it was, or start the job without the checkpoint."
    ))
}

/// Lines are counted from 1, as editors do.
fn lost(at: &Restored, what: &str) -> Error {
    Error(format!(
        "{WHO}: {}: the checkpoint goes on at line {} {what}. Put back the file as it was, or start the job without the \
         checkpoint.",
        at.resource,
        at.offset + 1
    ))
}
