//! Writes checkpoints, finds them again and lets go of old ones.
//!
//! A job's folder in the storage holds `manifests/N`, `files/ATTEMPT/...` and `savepoints/NAME/...`. Files belong to the
//! attempt that wrote them, so whoever removes a file that no manifest of its own past names any more removes nothing
//! that another attempt has added. A manifest is written last, and only where there is none of its number.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use crate::backend::{BackendKind, LocalFile, Snapshot, taken_over};
use crate::manifest::{File, KeyedState, Manifest};
use crate::storage::{Content, Storage, content_of};
use crate::{Error, KeyGroups, Result};

/// The folder of the files that checkpoints share.
const FILES: &str = "files/";

/// Files that are fetched or written at the same time.
const PARALLEL_FILES: usize = 4;

/// A file that no manifest names may be about to be named by one that is being written; after so long it is not.
const ORPHANED_AFTER: Duration = Duration::from_secs(3600);

/// What one slot adds to a checkpoint. Its snapshot leaves the local disk when this is dropped.
#[derive(Debug)]
pub struct SlotFiles {
    pub slot: usize,
    pub key_groups: KeyGroups,
    pub backend: BackendKind,
    pub snapshot: Snapshot,
}

/// A checkpoint that is in the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    pub bytes: u64,
    pub new_bytes: u64,
}

/// The checkpoints of one job, as one attempt to run it sees them.
pub struct Checkpoints {
    storage: Storage,
    job: String,
    attempt: String,
    retained: usize,
    next: u64,
    /// The checkpoint that was committed or restored last; 0: none.
    previous: u64,
    /// By slot and local name: files that never change and that the storage has.
    known: HashMap<(usize, String), File>,
    /// Manifests in the storage, oldest first.
    held: VecDeque<Manifest>,
    /// Copies of files that the storage has, under its names.
    cache: PathBuf,
}

impl Checkpoints {
    /// `location` as in [`Storage::open`]; `attempt` is a name that no other start of the job has; `retained`
    /// checkpoints are kept. `cache` is a local folder.
    pub fn open(location: &str, job: &str, attempt: &str, retained: usize, cache: &Path) -> Result<Checkpoints> {
        let storage = Storage::open(location, &folder_name(job))?;
        storage.check(&format!("{FILES}{attempt}/check"))?;
        let mut numbers: Vec<u64> =
            storage.list("manifests/")?.iter().filter_map(|file| file.path.rsplit('/').next()?.parse().ok()).collect();
        numbers.sort_unstable();
        let next = numbers.last().map_or(1, |last| last + 1);
        let mut checkpoints = Checkpoints {
            storage,
            job: job.into(),
            attempt: attempt.into(),
            retained: retained.max(1),
            next,
            previous: 0,
            known: HashMap::new(),
            held: VecDeque::new(),
            cache: cache.to_owned(),
        };
        for number in numbers {
            // One that was not written to its end belongs to no checkpoint.
            checkpoints.held.extend(checkpoints.read(&manifest_path(number), &format!("checkpoint {number}"))?);
        }
        Ok(checkpoints)
    }

    fn read(&self, path: &str, what: &str) -> Result<Option<Manifest>> {
        let manifest = Manifest::decode(&self.storage.get(path)?, what)?;
        match manifest {
            Some(manifest) if manifest.job != self.job => {
                let job = &manifest.job;
                Err(Error(format!(
                    "{what} belongs to job \"{job}\", not \"{}\": give this job a folder of its own",
                    self.job
                )))
            }
            manifest => Ok(manifest),
        }
    }

    /// The newest checkpoint that was written to its end.
    pub fn latest(&self) -> Option<&Manifest> {
        self.held.back()
    }

    /// The number of the next checkpoint.
    pub fn next(&self) -> u64 {
        self.next
    }

    pub fn load(&self, checkpoint: u64) -> Result<Manifest> {
        let found = self.held.iter().find(|manifest| manifest.checkpoint == checkpoint);
        found.cloned().ok_or_else(|| {
            let there = self.held.iter().map(|manifest| manifest.checkpoint.to_string()).collect::<Vec<_>>().join(", ");
            Error(format!(
                "checkpoint {checkpoint} of job \"{}\" is not in the storage (there are: {}). Check that the storage is the \
                 one that the job has written to, or restore from a savepoint.",
                self.job,
                if there.is_empty() { "none" } else { &there }
            ))
        })
    }

    /// Fetches the files of a checkpoint, those of each keyed state into a folder below `into`. Files that are in the
    /// local cache, whole, are not fetched again. `progress` hears bytes as they come.
    pub fn restore(
        &self,
        manifest: &Manifest,
        into: &Path,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Vec<(KeyedState, PathBuf)>> {
        let mut wanted = Vec::new();
        let mut folders = Vec::new();
        for (index, keyed) in manifest.keyed.iter().enumerate() {
            let folder = into.join(index.to_string());
            fs::create_dir_all(&folder).map_err(|error| local(&folder, &error))?;
            wanted.extend(keyed.files.iter().map(|file| (file, folder.join(&file.local))));
            folders.push((keyed.clone(), folder));
        }
        in_parallel(&wanted, |(file, to)| {
            self.fetch(file, to)?;
            progress(file.size);
            Ok(())
        })?;
        Ok(folders)
    }

    fn fetch(&self, file: &File, to: &Path) -> Result<()> {
        let expected = Content { size: file.size, checksum: file.checksum };
        let cached = self.cached(&file.name);
        if content_of(&cached).is_ok_and(|found| found == expected) {
            return link(&cached, to);
        }
        self.storage.download(&file.name, to, expected)?;
        self.remember(to, file)
    }

    /// Says what the slots, with their key groups, were opened from, by [`crate::open`]: where one has taken over a state
    /// as it was, its files need not be written again. A savepoint's are: nothing depends on a savepoint.
    pub fn restored_from(&mut self, manifest: &Manifest, backend: BackendKind, slots: &[KeyGroups]) {
        self.known.clear();
        self.previous = if manifest.savepoint { 0 } else { manifest.checkpoint };
        if manifest.savepoint {
            return;
        }
        for (slot, groups) in slots.iter().enumerate() {
            let state = taken_over(backend, groups, manifest.keyed.iter()).and_then(|index| manifest.keyed.get(index));
            let files = state.into_iter().flat_map(|state| &state.files);
            self.known.extend(files.map(|file| ((slot, file.local.clone()), file.clone())));
        }
    }

    /// Writes what is new of a checkpoint and then its manifest. `manifest` says what operators keep; its number, its
    /// files and figures are filled in. The slots may go on meanwhile: only their snapshots are read.
    pub fn write(&mut self, mut manifest: Manifest, slots: &[SlotFiles]) -> Result<(Manifest, Written)> {
        let checkpoint = self.next;
        // No two checkpoints of an attempt have the same number: nothing that a manifest names is written again.
        let name = |slot: usize, file: &LocalFile| format!("{FILES}{}/{checkpoint}-{slot}-{}", self.attempt, file.name);
        let stored = self.store(slots, name, true)?;
        manifest.checkpoint = checkpoint;
        manifest.previous = self.previous;
        manifest.attempt.clone_from(&self.attempt);
        let written = fill(&mut manifest, slots, &stored);
        // From here on the number is taken, whatever comes of it.
        self.next += 1;
        if !self.storage.put_new(&manifest_path(checkpoint), &manifest.encode())? {
            return Err(Error(format!(
                "checkpoint {checkpoint} of job \"{}\" has been written by another worker: the job runs twice. Stop one of \
                 them; this one has stopped.",
                self.job
            )));
        }
        for (slot, _, file, _) in stored.into_iter().filter(|(.., immutable)| *immutable) {
            self.known.insert((slot, file.local.clone()), file);
        }
        Ok((manifest, written))
    }

    /// Writes everything anew below `savepoints/NAME`, where nothing removes it.
    pub fn write_savepoint(&self, mut manifest: Manifest, slots: &[SlotFiles], name: &str) -> Result<Manifest> {
        manifest.checkpoint = self.next;
        manifest.previous = self.previous;
        manifest.attempt.clone_from(&self.attempt);
        manifest.savepoint = true;
        let path = |slot: usize, file: &LocalFile| format!("savepoints/{name}/files/{slot}-{}", file.name);
        let stored = self.store(slots, path, false)?;
        fill(&mut manifest, slots, &stored);
        if !self.storage.put_new(&savepoint_path(name), &manifest.encode())? {
            return Err(Error(format!(
                "savepoint \"{name}\" of job \"{}\" is there already: choose another name",
                self.job
            )));
        }
        Ok(manifest)
    }

    /// The names of the savepoints, oldest first.
    pub fn savepoints(&self) -> Result<Vec<(String, Manifest)>> {
        let mut found = Vec::new();
        for file in self.storage.list("savepoints/")? {
            let Some(name) = file.path.strip_prefix("savepoints/").and_then(|path| path.strip_suffix("/manifest"))
            else {
                continue;
            };
            if let Some(manifest) = self.read(&file.path, &format!("savepoint \"{name}\""))? {
                found.push((name.to_owned(), manifest));
            }
        }
        found.sort_by_key(|(_, manifest)| manifest.created_ms);
        Ok(found)
    }

    pub fn savepoint(&self, name: &str) -> Result<Manifest> {
        let found = self.savepoints()?.into_iter().find(|(known, _)| known == name);
        found.map(|(_, manifest)| manifest).ok_or_else(|| {
            Error(format!(
                "there is no savepoint \"{name}\" of job \"{}\": `millrace savepoint list` shows those there are",
                self.job
            ))
        })
    }

    /// The checkpoint is committed: those before it that are not retained go.
    pub fn committed(&mut self, manifest: Manifest) -> Result<()> {
        self.previous = manifest.checkpoint;
        self.held.push_back(manifest);
        while self.held.len() > self.retained {
            let Some(old) = self.held.pop_front() else { break };
            self.storage.delete(&manifest_path(old.checkpoint))?;
            let needed: HashSet<&str> = self.held.iter().flat_map(names).collect();
            let gone: Vec<&str> = names(&old).filter(|name| !needed.contains(name)).collect();
            // A savepoint's files are its own.
            for name in gone.into_iter().filter(|name| name.starts_with(FILES)) {
                self.storage.delete(name)?;
                let _ = fs::remove_file(self.cached(name));
                self.known.retain(|_, file| file.name != name);
            }
        }
        Ok(())
    }

    /// Removes files that attempts before this one have left without a manifest.
    pub fn remove_orphans(&self) -> Result<()> {
        let named: HashSet<&str> = self.held.iter().flat_map(names).collect();
        let old = |modified: SystemTime| modified.elapsed().is_ok_and(|age| age > ORPHANED_AFTER);
        for file in self.storage.list(FILES)? {
            let own = file.path.starts_with(&format!("{FILES}{}/", self.attempt));
            if !own && !named.contains(file.path.as_str()) && file.modified.is_some_and(old) {
                self.storage.delete(&file.path)?;
            }
        }
        Ok(())
    }

    /// Brings files into the storage that it lacks; gives all, in the order of slots and files.
    fn store(
        &self,
        slots: &[SlotFiles],
        name: impl Fn(usize, &LocalFile) -> String + Sync,
        incremental: bool,
    ) -> Result<Vec<(usize, bool, File, bool)>> {
        let all: Vec<(usize, &LocalFile)> =
            slots.iter().flat_map(|slot| slot.snapshot.files.iter().map(|file| (slot.slot, file))).collect();
        in_parallel(&all, |&(slot, local)| {
            let known = self.known.get(&(slot, local.name.clone())).filter(|known| known.size == local.size);
            if let Some(known) = known.filter(|_| incremental && local.immutable) {
                return Ok((slot, false, known.clone(), true));
            }
            let name = name(slot, local);
            let Content { size, checksum } = self.storage.upload(&local.path, &name)?;
            let file = File { name, local: local.name.clone(), size, checksum };
            if incremental && local.immutable {
                self.remember(&local.path, &file)?;
            }
            Ok((slot, true, file, local.immutable))
        })
    }

    fn cached(&self, name: &str) -> PathBuf {
        self.cache.join(name.replace('/', "_"))
    }

    /// Keeps a file for a fast restore.
    fn remember(&self, from: &Path, file: &File) -> Result<()> {
        let to = self.cached(&file.name);
        fs::create_dir_all(&self.cache).map_err(|error| local(&self.cache, &error))?;
        if to.exists() {
            fs::remove_file(&to).map_err(|error| local(&to, &error))?;
        }
        link(from, &to)
    }
}

fn fill(manifest: &mut Manifest, slots: &[SlotFiles], stored: &[(usize, bool, File, bool)]) -> Written {
    let files = |slot: usize| stored.iter().filter(move |(of, ..)| *of == slot).map(|(_, _, file, _)| file.clone());
    manifest.keyed = slots
        .iter()
        .map(|slot| KeyedState {
            key_groups: slot.key_groups.clone(),
            backend: slot.backend,
            files: files(slot.slot).collect(),
        })
        .collect();
    manifest.bytes = stored.iter().map(|(_, _, file, _)| file.size).sum();
    manifest.new_bytes = stored.iter().filter(|(_, new, ..)| *new).map(|(_, _, file, _)| file.size).sum();
    Written { bytes: manifest.bytes, new_bytes: manifest.new_bytes }
}

fn names(manifest: &Manifest) -> impl Iterator<Item = &str> {
    manifest.keyed.iter().flat_map(|keyed| keyed.files.iter().map(|file| file.name.as_str()))
}

fn manifest_path(checkpoint: u64) -> String {
    format!("manifests/{checkpoint:020}")
}

fn savepoint_path(name: &str) -> String {
    format!("savepoints/{name}/manifest")
}

/// A job's name as that of a folder.
fn folder_name(job: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    job.chars().map(|c| if plain(c) { c.to_string() } else { format!("~{:x}", u32::from(c)) }).collect()
}

fn link(from: &Path, to: &Path) -> Result<()> {
    let linked = fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(|_| ()));
    linked.map_err(|error| local(to, &error))
}

fn local(path: &Path, error: &std::io::Error) -> Error {
    Error(format!("state file {}: {error}", path.display()))
}

/// Does the same with all items, several at a time; results in the order of the items, or the first error.
fn in_parallel<T: Sync, R: Send>(items: &[T], act: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<R>)>> = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..PARALLEL_FILES.min(items.len()) {
            scope.spawn(|| {
                while let index = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(item) = items.get(index)
                {
                    let result = act(item);
                    let failed = result.is_err();
                    done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((index, result));
                    if failed {
                        next.store(items.len(), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests;
