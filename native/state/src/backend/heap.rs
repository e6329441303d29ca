//! State in memory. A snapshot is one file with everything in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use super::{Backend, LocalFile, Visit};
use crate::{Error, Result, Run};

const FILE: &str = "state";

#[derive(Default)]
pub struct Heap {
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
    bytes: u64,
}

impl Heap {
    /// Reads the snapshot in the folder `restored`, if one is given.
    pub fn open(restored: Option<&Path>) -> Result<Heap> {
        let mut heap = Heap::default();
        if let Some(folder) = restored {
            let path = folder.join(FILE);
            heap.read(&path).map_err(|error| Error(format!("state file {}: {error}", path.display())))?;
        }
        Ok(heap)
    }

    fn read(&mut self, path: &Path) -> std::io::Result<()> {
        let mut file = BufReader::new(File::open(path)?);
        let mut count = [0; 8];
        file.read_exact(&mut count)?;
        for _ in 0..u64::from_le_bytes(count) {
            let key = read_part(&mut file)?;
            let value = read_part(&mut file)?;
            self.insert(&key, &value);
        }
        Ok(())
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

    fn scan(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> Result<()> {
        let mut range = self.entries.range::<[u8], _>((std::ops::Bound::Included(from), std::ops::Bound::Excluded(to)));
        range.try_for_each(|(key, value)| visit(key, value))
    }

    fn delete_range(&mut self, from: &[u8], to: &[u8]) -> Result<()> {
        let mut tail = self.entries.split_off(from);
        let mut rest = tail.split_off(to);
        self.bytes -= tail.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum::<u64>();
        self.entries.append(&mut rest);
        Ok(())
    }

    fn snapshot(&mut self, into: &Path) -> Result<Vec<LocalFile>> {
        let path = into.join(FILE);
        let written = std::fs::create_dir_all(into).and_then(|()| self.write(&path));
        let size = written.map_err(|error| Error(format!("state file {}: {error}", path.display())))?;
        Ok(vec![LocalFile { name: FILE.into(), path, size, immutable: false }])
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }
}
