//! Writes checkpoints, finds them again and lets go of old ones.
//!
//! A job's folder in the storage holds `manifests/PLACE`, one behind the other (see [`row`]), `files/...`, which
//! checkpoints share, and `savepoints/NAME/...`, which share nothing. A manifest is written after its files and removed
//! before them, so whatever is cut short leaves manifests whose files are there, and perhaps files that none names.

mod cache;
mod row;
mod savepoints;
mod transfer;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use millrace_storage::{Content, INCOMING};

use crate::backend::{BackendKind, LocalFile, Snapshot, taken_over};
use crate::manifest::{File, KeyedState, Manifest};
use crate::storage::Storage;
use crate::{Error, KeyGroups, Result};

use cache::Cache;
use row::{MANIFESTS, Row};
use transfer::{in_parallel, link, local};

/// The folder of the files that checkpoints share, each `PLACE-ATTEMPT-NUMBER-SLOT-LOCAL`: the manifest that names it
/// first is at that place or behind it.
const FILES: &str = "files/";

/// Files that are fetched or written at the same time.
const PARALLEL_FILES: usize = 4;

/// What has been on its way for so long will not arrive.
const LOST_AFTER: Duration = Duration::from_secs(24 * 3600);

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
    row: Row,
    /// Another attempt has begun, and this one can write no more.
    is_taken_over: bool,
    /// The number of the next checkpoint.
    next: u64,
    /// The checkpoint that was committed or restored last; 0: none.
    previous: u64,
    /// By slot and local name: what is immutable in the checkpoint that was written or restored last.
    known: HashMap<(usize, String), File>,
    /// Files of removed manifests that are still to go.
    garbage: BTreeSet<String>,
    cache: Cache,
    parallel: usize,
}

/// A file of a checkpoint or savepoint, and whether it was written for it.
struct Placed {
    slot: usize,
    immutable: bool,
    new: bool,
    file: File,
}

impl Checkpoints {
    /// `location` as in [`Storage::open`]; `attempt` is a name that no other start of the job has; `retained`
    /// checkpoints are kept. `cache` is a local folder. Attempts that were opened before can write no more.
    pub fn open(location: &str, job: &str, attempt: &str, retained: usize, cache: &Path) -> Result<Checkpoints> {
        let storage = Storage::open(location, &folder_name(job))?;
        storage.check(&format!("{INCOMING}check-{}", folder_name(attempt)))?;
        Checkpoints::take_over(storage, job, attempt, retained, cache, PARALLEL_FILES)
    }

    /// As [`Checkpoints::open`], in a storage that is known to work; `parallel` files are fetched or written at a time.
    pub fn take_over(
        storage: Storage,
        job: &str,
        attempt: &str,
        retained: usize,
        cache: &Path,
        parallel: usize,
    ) -> Result<Checkpoints> {
        let row = Row::take(&storage, job, attempt, parallel)?;
        let cache = Cache::new(cache);
        cache.retain(row.manifests().map(|(_, manifest)| manifest));
        let known = row.manifests().map(|(_, manifest)| manifest.checkpoint).max().unwrap_or(0);
        // What number a damaged one has nobody knows; its place is the best guess.
        let next = row.damaged().map(|(place, _)| place).max().unwrap_or(0).max(known) + 1;
        Ok(Checkpoints {
            storage,
            job: job.into(),
            attempt: attempt.into(),
            retained: retained.max(1),
            row,
            is_taken_over: false,
            next,
            previous: 0,
            known: HashMap::new(),
            garbage: BTreeSet::new(),
            cache,
            parallel,
        })
    }

    /// The checkpoints that can be read, oldest first.
    pub fn list(&self) -> impl DoubleEndedIterator<Item = &Manifest> {
        self.row.manifests().map(|(_, manifest)| manifest)
    }

    /// The newest checkpoint; an error where it is damaged: to go back to an older one is for the user to say.
    pub fn latest(&self) -> Result<Option<&Manifest>> {
        let newest = self.row.manifests().next_back();
        let after = |place: u64| newest.is_none_or(|(newest, _)| newest < place);
        match self.row.damaged().next_back().filter(|(place, _)| after(*place)) {
            Some((_, why)) => Err(Error(format!("{why} (there are: {})", self.numbers()))),
            None => Ok(newest.map(|(_, manifest)| manifest)),
        }
    }

    /// The number of the next checkpoint.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// A checkpoint could not be written as another attempt has begun.
    pub fn is_taken_over(&self) -> bool {
        self.is_taken_over
    }

    pub fn load(&self, checkpoint: u64) -> Result<Manifest> {
        let found = self.list().rev().find(|manifest| manifest.checkpoint == checkpoint);
        found.cloned().ok_or_else(|| {
            let damaged: String = self.row.damaged().map(|(_, why)| format!(" {why}.")).collect();
            Error(format!(
                "checkpoint {checkpoint} of job \"{}\" is not in the storage (there are: {}). Check that the storage is the \
                 one that the job has written to, or restore from a savepoint.{damaged}",
                self.job,
                self.numbers()
            ))
        })
    }

    fn numbers(&self) -> String {
        let numbers: Vec<String> = self.list().map(|manifest| manifest.checkpoint.to_string()).collect();
        if numbers.is_empty() { "none".into() } else { numbers.join(", ") }
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
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(|error| local(&folder, &error))?;
            }
            fs::create_dir_all(&folder).map_err(|error| local(&folder, &error))?;
            wanted.extend(keyed.files.iter().map(|file| (file, folder.join(&file.local))));
            folders.push((keyed.clone(), folder));
        }
        in_parallel(self.parallel, &wanted, |(file, to)| {
            self.fetch(file, to)?;
            progress(file.size);
            Ok(())
        })?;
        Ok(folders)
    }

    fn fetch(&self, file: &File, to: &Path) -> Result<()> {
        if let Some(cached) = self.cache.find(file) {
            return link(&cached, to).map_err(|error| local(to, &error));
        }
        self.storage.download(&file.name, to, Content { size: file.size, checksum: file.checksum })?;
        self.cache.keep(to, file);
        Ok(())
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
        manifest.checkpoint = self.next;
        // The number is taken, whatever comes of it: what was written for one checkpoint is never taken for another's.
        self.next += 1;
        let attempt = folder_name(&self.attempt);
        let prefix = format!("{FILES}{}-{attempt}-{}-", self.row.next(), manifest.checkpoint);
        let placed = self.store(slots, &prefix, true)?;
        let written = self.fill(&mut manifest, slots, &placed);
        self.storage.settle(FILES)?;
        if !self.row.append(&self.storage, &manifest)? {
            self.is_taken_over = true;
            self.discard(placed.iter().filter(|placed| placed.new).map(|placed| placed.file.name.as_str()));
            return Err(Error(format!(
                "checkpoint {} of job \"{}\": another worker has taken over: the job has been started twice. Stop one of \
                 them; this one has stopped.",
                manifest.checkpoint, self.job
            )));
        }
        let immutable = placed.into_iter().filter(|placed| placed.immutable);
        self.known = immutable.map(|placed| ((placed.slot, placed.file.local.clone()), placed.file)).collect();
        Ok((manifest, written))
    }

    /// Writes everything anew below `savepoints/NAME`, where nothing removes it. A manifest that has a number, as that of
    /// a checkpoint that is written, keeps it.
    pub fn write_savepoint(&self, mut manifest: Manifest, slots: &[SlotFiles], name: &str) -> Result<Manifest> {
        if manifest.checkpoint == 0 {
            manifest.checkpoint = self.next;
        }
        manifest.savepoint = true;
        let folder = savepoints::folder(&self.storage, &self.job, name, &folder_name(&self.attempt), self.next)?;
        let placed = self.store(slots, &folder, false)?;
        self.fill(&mut manifest, slots, &placed);
        self.storage.settle(&folder)?;
        savepoints::write(&self.storage, &manifest, name)?;
        Ok(manifest)
    }

    /// A savepoint can have this name, and none has.
    pub fn check_savepoint(&self, name: &str) -> Result<()> {
        savepoints::folder(&self.storage, &self.job, name, &folder_name(&self.attempt), self.next).map(drop)
    }

    /// The names of the savepoints, oldest first.
    pub fn savepoints(&self) -> Result<Vec<(String, Manifest)>> {
        savepoints::list(&self.storage, &self.job)
    }

    pub fn savepoint(&self, name: &str) -> Result<Manifest> {
        savepoints::read(&self.storage, &self.job, name)?.ok_or_else(|| {
            Error(format!(
                "there is no savepoint \"{name}\" of job \"{}\": `millrace savepoint list` shows those there are",
                self.job
            ))
        })
    }

    /// The checkpoint is committed: it and the last that it follows are retained, the others before it go. It stands
    /// whatever this gives; what could not be removed is tried again the next time.
    pub fn committed(&mut self, manifest: Manifest) -> Result<()> {
        self.previous = manifest.checkpoint;
        let written = self.list().filter(|held| held.checkpoint >= manifest.checkpoint);
        self.cache.retain(written.chain([&manifest]));
        let Some((last, _)) = self.row.manifests().find(|(_, held)| held.checkpoint == manifest.checkpoint) else {
            return Ok(());
        };
        let retained = self.retained(&manifest);
        let held = self.row.manifests().filter(|(_, held)| !retained.contains(&held.checkpoint));
        let held = held.map(|(place, _)| place).chain(self.row.damaged().map(|(place, _)| place));
        for place in held.filter(|place| *place < last).collect::<Vec<_>>() {
            if let Some(removed) = self.row.remove(&self.storage, place)? {
                let files = removed.names().filter(|name| name.starts_with(FILES));
                self.garbage.extend(files.map(String::from));
            }
        }
        self.storage.settle(MANIFESTS)?;
        if self.garbage.is_empty() || !self.row.is_own(&self.storage)? {
            return Ok(());
        }
        let named = self.named();
        let gone: Vec<String> = self.garbage.iter().filter(|name| !named.contains(name.as_str())).cloned().collect();
        in_parallel(self.parallel, &gone, |name| self.storage.delete(name))?;
        self.garbage.clear();
        Ok(())
    }

    /// The numbers of a checkpoint and of those it follows, as many as are retained. Where it follows too few, as after a
    /// restore from a savepoint, the newest others are kept.
    fn retained(&self, newest: &Manifest) -> HashSet<u64> {
        let by_number: HashMap<u64, &Manifest> = self.list().map(|held| (held.checkpoint, held)).collect();
        let followed = std::iter::successors(Some(newest), |held| {
            by_number.get(&held.previous).copied().filter(|previous| previous.checkpoint < held.checkpoint)
        });
        let mut retained: HashSet<u64> = followed.take(self.retained).map(|held| held.checkpoint).collect();
        for held in self.list().rev().filter(|held| held.checkpoint < newest.checkpoint) {
            if retained.len() < self.retained {
                retained.insert(held.checkpoint);
            }
        }
        retained
    }

    /// What must stay.
    fn named(&self) -> HashSet<&str> {
        let known = self.known.values().map(|file| file.name.as_str());
        self.list().flat_map(Manifest::names).chain(known).collect()
    }

    /// Removes what attempts before this one have left behind: files that no manifest names, and whatever did not arrive.
    pub fn remove_orphans(&self) -> Result<()> {
        if !self.row.is_own(&self.storage)? {
            return Ok(());
        }
        let named = self.named();
        let place = |path: &str| path.strip_prefix(FILES)?.split('-').next()?.parse::<u64>().ok();
        // One that is for a later place belongs to an attempt that has begun just now.
        let is_past = |path: &str| place(path).is_some_and(|place| place < self.row.next());
        let files = self.storage.list(FILES)?.into_iter().map(|file| file.path);
        let gone: Vec<String> = files.filter(|path| is_past(path) && !named.contains(path.as_str())).collect();
        in_parallel(self.parallel, &gone, |path| self.storage.delete(path))?;
        let lost = |modified: SystemTime| modified.elapsed().is_ok_and(|age| age > LOST_AFTER);
        for file in self.storage.list(INCOMING)? {
            if file.modified.is_some_and(lost) {
                self.storage.delete(&file.path)?;
            }
        }
        self.row.remove_fences(&self.storage)
    }

    /// Brings files into the storage that it lacks; gives all, in the order of slots and files.
    fn store(&self, slots: &[SlotFiles], prefix: &str, incremental: bool) -> Result<Vec<Placed>> {
        let all: Vec<(usize, &LocalFile)> =
            slots.iter().flat_map(|slot| slot.snapshot.files.iter().map(|file| (slot.slot, file))).collect();
        let name = |slot: usize, local: &LocalFile| format!("{prefix}{slot}-{}", local.name);
        let known = |slot: usize, local: &LocalFile| {
            let known = self.known.get(&(slot, local.name.clone())).filter(|known| known.size == local.size);
            known.filter(|_| incremental && local.immutable)
        };
        let placed = in_parallel(self.parallel, &all, |&(slot, local)| {
            let immutable = local.immutable;
            if let Some(known) = known(slot, local) {
                return Ok(Placed { slot, immutable, new: false, file: known.clone() });
            }
            let name = name(slot, local);
            let Content { size, checksum } = self.storage.upload(&local.path, &name)?;
            let file = File { name, local: local.name.clone(), size, checksum };
            if incremental {
                self.cache.keep(&local.path, &file);
            }
            Ok(Placed { slot, immutable, new: true, file })
        });
        if placed.is_err() {
            let new = all.iter().filter(|(slot, local)| known(*slot, local).is_none());
            let names: Vec<String> = new.map(|(slot, local)| name(*slot, local)).collect();
            self.discard(names.iter().map(String::as_str));
        }
        placed
    }

    /// Makes room where a checkpoint came to nothing; what remains is an orphan of the next start.
    fn discard<'a>(&self, names: impl Iterator<Item = &'a str>) {
        for name in names {
            if let Err(error) = self.storage.delete(name) {
                log::warn!("{error}");
                return;
            }
        }
    }

    fn fill(&self, manifest: &mut Manifest, slots: &[SlotFiles], placed: &[Placed]) -> Written {
        let of =
            |slot: usize| placed.iter().filter(move |placed| placed.slot == slot).map(|placed| placed.file.clone());
        manifest.keyed = slots
            .iter()
            .map(|slot| KeyedState {
                key_groups: slot.key_groups.clone(),
                backend: slot.backend,
                files: of(slot.slot).collect(),
            })
            .collect();
        manifest.previous = self.previous;
        manifest.attempt.clone_from(&self.attempt);
        manifest.bytes = placed.iter().map(|placed| placed.file.size).sum();
        manifest.new_bytes = placed.iter().filter(|placed| placed.new).map(|placed| placed.file.size).sum();
        Written { bytes: manifest.bytes, new_bytes: manifest.new_bytes }
    }
}

/// What a job has in its storage.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// Oldest first.
    pub checkpoints: Vec<Manifest>,
    /// With their names, oldest first.
    pub savepoints: Vec<(String, Manifest)>,
}

impl History {
    /// Reads without changing anything: the job may be running.
    pub fn read(location: &str, job: &str) -> Result<History> {
        let storage = Storage::open(location, &folder_name(job))?;
        let checkpoints = row::look(&storage, job, PARALLEL_FILES)?;
        Ok(History { checkpoints, savepoints: savepoints::list(&storage, job)? })
    }
}

/// A name as that of a file or folder.
fn folder_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    name.chars().map(|c| if plain(c) { c.to_string() } else { format!("~{:x}", u32::from(c)) }).collect()
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
