//! State in memory. A snapshot is one file with everything in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::ops::Bound;
use std::path::Path;

use super::{Backend, BackendFigures, Fill, LocalFile, Snapshot, Visit, failed};
use crate::{Expiry, KeyGroups, Result, Run, key_group_of};

const FILE: &str = "state";

#[derive(Default)]
pub struct Heap {
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
    bytes: u64,
    expiry: Expiry,
}

impl Heap {
    /// Reads the snapshot in the folder `restored`, if one is given.
    pub fn open(restored: Option<&Path>, expiry: Expiry) -> Result<Heap> {
        let mut heap = Heap { expiry, ..Heap::default() };
        if let Some(folder) = restored {
            read(folder, &mut |key, stored| {
                heap.insert(key, stored);
                Ok(())
            })?;
        }
        Ok(heap)
    }

    fn write(&self, path: &Path) -> std::io::Result<u64> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(&(self.entries.len() as u64).to_le_bytes())?;
        for part in self.entries.iter().flat_map(|(key, value)| [key, value]) {
            file.write_all(&(part.len() as u32).to_le_bytes())?;
            file.write_all(part)?;
        }
        let file = file.into_inner().map_err(|error| error.into_error())?;
        Ok(file.metadata()?.len())
    }

    fn range(&self, from: &[u8], to: &[u8]) -> impl Iterator<Item = (&Vec<u8>, &Vec<u8>)> {
        // A map panics at a range that ends before it begins.
        self.entries.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to.max(from))))
    }

    fn remove(&mut self, key: &[u8]) {
        if let Some(value) = self.entries.remove(key) {
            self.bytes -= (key.len() + value.len()) as u64;
        }
    }

    /// Forgets what has expired.
    fn expire(&mut self) {
        if self.expiry.shortest_ms().is_some() {
            let gone = self.entries.extract_if(.., |key, value| self.expiry.has_expired(key, value));
            self.bytes -= gone.map(|(key, value)| (key.len() + value.len()) as u64).sum::<u64>();
        }
    }

    fn insert(&mut self, key: &[u8], value: &[u8]) {
        match self.entries.get_mut(key) {
            Some(stored) => stored.extend_from_slice(value),
            None => {
                self.bytes += key.len() as u64;
                self.entries.insert(key.to_vec(), value.to_vec());
            }
        }
        self.bytes += value.len() as u64;
    }
}

/// Visits what a snapshot holds of some key groups.
pub fn read_groups(folder: &Path, groups: &KeyGroups, visit: Visit<'_>) -> Result<()> {
    read(folder, &mut |key, stored| match key_group_of(key) {
        Some(group) if groups.contains(&group) => visit(key, stored),
        _ => Ok(()),
    })
}

/// Visits what a snapshot holds from the key `from` up to, not including, `to`.
pub fn read_range(folder: &Path, from: &[u8], to: &[u8], visit: Visit<'_>) -> Result<()> {
    read(folder, &mut |key, stored| if from <= key && key < to { visit(key, stored) } else { Ok(()) })
}

fn read(folder: &Path, visit: Visit<'_>) -> Result<()> {
    let path = folder.join(FILE);
    let failed = |error: std::io::Error| failed(&path, error);
    let mut file = BufReader::new(File::open(&path).map_err(failed)?);
    let mut count = [0; 8];
    file.read_exact(&mut count).map_err(failed)?;
    for _ in 0..u64::from_le_bytes(count) {
        let key = read_part(&mut file).map_err(failed)?;
        let value = read_part(&mut file).map_err(failed)?;
        visit(&key, &value)?;
    }
    Ok(())
}

fn read_part(file: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    file.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    let mut part = Vec::new();
    // A damaged length must not ask for memory that the file does not fill.
    file.take(u64::from(length)).read_to_end(&mut part)?;
    if part.len() < length as usize { Err(std::io::ErrorKind::UnexpectedEof.into()) } else { Ok(part) }
}

impl Backend for Heap {
    fn append(&mut self, run: &Run) -> Result<()> {
        run.iter().for_each(|(key, value)| self.insert(key, value));
        Ok(())
    }

    fn append_parts(&mut self, fill: Fill<'_>) -> Result<()> {
        let mut part = Run::default();
        loop {
            fill(&mut part)?;
            if part.is_empty() {
                return Ok(());
            }
            self.append(&part)?;
            part.clear();
        }
    }

    fn put(&mut self, run: &Run) -> Result<()> {
        for (key, value) in run.iter() {
            self.remove(key);
            if !value.is_empty() {
                self.insert(key, value);
            }
        }
        Ok(())
    }

    fn get(&self, key: &[u8], stored: &mut Vec<u8>) -> Result<bool> {
        stored.clear();
        let found = self.entries.get(key);
        found.into_iter().for_each(|value| stored.extend_from_slice(value));
        Ok(found.is_some())
    }

    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> Result<()> {
        self.range(from, to).try_for_each(|(key, value)| visit(key, value))
    }

    fn next_key(&self, from: &[u8], to: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.range(from, to).next().map(|(key, _)| key.clone()))
    }

    fn delete_range(&mut self, from: &[u8], to: &[u8]) -> Result<()> {
        if from < to {
            let gone = self.entries.extract_if(from.to_vec()..to.to_vec(), |_, _| true);
            self.bytes -= gone.map(|(key, value)| (key.len() + value.len()) as u64).sum::<u64>();
        }
        Ok(())
    }

    fn snapshot(&mut self, into: &Path) -> Result<Snapshot> {
        self.expire();
        let path = into.join(FILE);
        let written = std::fs::create_dir_all(into).and_then(|()| self.write(&path));
        let size = written.map_err(|error| failed(&path, error))?;
        let file = LocalFile { name: FILE.into(), path, size, immutable: false };
        Ok(Snapshot::new(into.to_owned(), vec![file]))
    }

    fn figures(&self) -> BackendFigures {
        BackendFigures { bytes: self.bytes, entries: self.entries.len() as u64, ..BackendFigures::default() }
    }
}
