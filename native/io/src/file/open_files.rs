//! The files that a sink writes at a time.

use std::collections::HashMap;
use std::io;

use super::writer::Writer;

/// Bytes that all open files together hold in memory; beyond that the one that holds most is written.
const MOST_HELD_BYTES: usize = 128 << 20;

/// One file in each folder that rows go to; "" is the sink's own.
#[derive(Default)]
pub struct OpenFiles {
    files: HashMap<String, Open>,
    uses: u64,
}

pub struct Open {
    pub writer: Writer,
    pub folder: String,
    /// The epoch of its first row.
    pub first_epoch: u64,
    /// When it was first seen to be open.
    since_ms: Option<u64>,
    last_use: u64,
    held_bytes: usize,
}

impl OpenFiles {
    pub fn insert(&mut self, folder: &str, writer: Writer, epoch: u64) {
        let folder = folder.to_owned();
        let open =
            Open { writer, folder: folder.clone(), first_epoch: epoch, since_ms: None, last_use: 0, held_bytes: 0 };
        self.files.insert(folder, open);
    }

    pub fn get(&mut self, folder: &str) -> Option<&mut Open> {
        self.uses += 1;
        let open = self.files.get_mut(folder)?;
        open.last_use = self.uses;
        Some(open)
    }

    /// Closes the file of a folder if it has so many bytes.
    pub fn take_full(&mut self, folder: &str, bytes: u64) -> Option<Open> {
        if self.get(folder)?.writer.bytes() < bytes {
            return None;
        }
        self.files.remove(folder)
    }

    /// Closes all files, in the order of their folders.
    pub fn take_all(&mut self) -> Vec<Open> {
        let mut all: Vec<Open> = self.files.drain().map(|(_, open)| open).collect();
        all.sort_by(|a, b| a.folder.cmp(&b.folder));
        all
    }

    /// Closes those that are so old, in the order of their folders.
    pub fn take_old(&mut self, now_ms: u64, age_ms: u64) -> Vec<Open> {
        let is_old = |open: &mut Open| now_ms.saturating_sub(*open.since_ms.get_or_insert(now_ms)) >= age_ms;
        let mut old: Vec<Open> = self.files.extract_if(|_, open| is_old(open)).map(|(_, open)| open).collect();
        old.sort_by(|a, b| a.folder.cmp(&b.folder));
        old
    }

    /// Closes the one that has not been used for longest, if there are so many.
    pub fn take_least_used(&mut self, most: usize) -> Option<Open> {
        if self.files.len() < most {
            return None;
        }
        let folder = self.files.values().min_by_key(|open| open.last_use)?.folder.clone();
        self.files.remove(&folder)
    }

    /// The first epoch that an open file has rows of.
    pub fn first_epoch(&self) -> Option<u64> {
        self.files.values().map(|open| open.first_epoch).min()
    }

    /// Keeps memory within bounds after rows have come to the file of a folder. Gives back what failed, and where.
    pub fn bound_memory(&mut self, folder: &str) -> Result<(), (std::path::PathBuf, io::Error)> {
        if let Some(open) = self.files.get_mut(folder) {
            open.held_bytes = open.writer.held_bytes();
        }
        while self.files.values().map(|open| open.held_bytes).sum::<usize>() > MOST_HELD_BYTES {
            let Some(fullest) = self.files.values_mut().max_by_key(|open| open.held_bytes) else { break };
            fullest.writer.flush().map_err(|error| (fullest.writer.path().to_owned(), error))?;
            fullest.held_bytes = fullest.writer.held_bytes().min(fullest.held_bytes.saturating_sub(1));
        }
        Ok(())
    }
}
