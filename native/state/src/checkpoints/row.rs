//! The row of a job's manifests: `manifests/PLACE`, one after the other without a gap.
//!
//! Two attempts to run a job may be alive at the same time: one that was thought dead, or that was started by mistake.
//! What keeps them from harming each other is that an attempt writes only at the place behind its last one, and only if
//! that place is free:
//!
//! - An attempt begins by taking the place behind the newest with a fence. Whoever was alive before finds its next place
//!   taken, and stops. What the attempt reads after that is all there will ever be before its fence.
//! - A fence stays, so that an attempt which wakes up late still finds it. The other places are free again once their
//!   manifests are removed: they are no attempt's next, as an attempt goes on behind what it has written, and behind a
//!   fence of its own where it does not know what it has written.
//! - A file may go once no manifest names it, and only by an attempt that sees, after it has removed the manifests, that
//!   its own next place is still free: no later attempt has begun, so none can have chosen one of those to restore from.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use millrace_storage::Stored;

use super::transfer::in_parallel;
use crate::manifest::{Manifest, TRAILER, Unreadable};
use crate::storage::Storage;
use crate::{Error, Result};

pub const MANIFESTS: &str = "manifests/";

/// Shorter than any manifest, so that a list shows what it is.
const FENCE: &[u8] = b"|";

/// An attempt that has not moved for so long will not wake up.
const FENCE_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// How often other attempts may get in first before this one gives up.
const TRIES: usize = 100;

pub struct Row {
    job: String,
    attempt: String,
    /// Where this attempt's fence is.
    fence: u64,
    /// Where it writes next.
    next: u64,
    /// Whether the last call to write there has nobody knows.
    unsettled: bool,
    places: BTreeMap<u64, Place>,
}

enum Place {
    Whole(Manifest),
    /// Why it cannot be read.
    Damaged(String),
}

impl Row {
    /// Takes the row over: attempts that began earlier write nothing more.
    pub fn take(storage: &Storage, job: &str, attempt: &str, parallel: usize) -> Result<Row> {
        for _ in 0..TRIES {
            let places = listed(storage)?;
            let fence = last(&places) + 1;
            // What this worker cannot go on from it does not stop either.
            let newest = places.iter().rposition(|(_, stored)| !is_fence(stored));
            read(storage, job, newest.map_or(&[], |newest| &places[newest..=newest]), 1)?;
            if !storage.put_new(&path_of(fence), FENCE)? {
                continue;
            }
            let places = listed(storage)?;
            // An attempt that was slow may find a place free that is one no longer: what is behind it counts.
            if last(&places) == fence {
                let places = read(storage, job, &places, parallel)?;
                return Ok(Row {
                    job: job.into(),
                    attempt: attempt.into(),
                    fence,
                    next: fence + 1,
                    unsettled: false,
                    places,
                });
            }
        }
        Err(Error(format!(
            "job \"{job}\" is being started again and again, each time before this start was done: see what starts it"
        )))
    }

    /// The manifests, oldest first, with their places.
    pub fn manifests(&self) -> impl DoubleEndedIterator<Item = (u64, &Manifest)> {
        self.places.iter().filter_map(|(place, held)| match held {
            Place::Whole(manifest) => Some((*place, manifest)),
            Place::Damaged(_) => None,
        })
    }

    /// Why manifests cannot be read, oldest first.
    pub fn damaged(&self) -> impl DoubleEndedIterator<Item = (u64, &str)> {
        self.places.iter().filter_map(|(place, held)| match held {
            Place::Whole(_) => None,
            Place::Damaged(why) => Some((*place, why.as_str())),
        })
    }

    pub fn next(&self) -> u64 {
        self.next
    }

    /// Writes a manifest: false, another attempt has begun and this one is at its end.
    pub fn append(&mut self, storage: &Storage, manifest: &Manifest) -> Result<bool> {
        if self.unsettled && !self.settle(storage)? {
            return Ok(false);
        }
        let bytes = manifest.encode();
        let path = path_of(self.next);
        self.unsettled = true;
        // A request that was sent again finds what the first one has written.
        let written = storage.put_new(&path, &bytes)? || storage.get(&path)?.is_some_and(|found| found == bytes);
        self.unsettled = false;
        if written {
            self.places.insert(self.next, Place::Whole(manifest.clone()));
            self.next += 1;
        }
        Ok(written)
    }

    /// After a call that failed nobody knows whether it has written, or will: puts a fence behind what it may have.
    /// False: another attempt has begun.
    fn settle(&mut self, storage: &Storage) -> Result<bool> {
        let newest = last(&listed(storage)?);
        if newest > self.next {
            return Ok(false);
        }
        if newest == self.next {
            // That checkpoint was written, though it counts as failed.
            let path = path_of(self.next);
            let found = storage.get(&path)?.unwrap_or_default();
            match Manifest::decode(&found, &path) {
                Ok(written) if written.attempt == self.attempt => self.places.insert(self.next, Place::Whole(written)),
                _ => return Ok(false),
            };
            self.next += 1;
        }
        let fenced = storage.put_new(&path_of(self.next), FENCE)?;
        if fenced {
            self.next += 1;
            self.unsettled = false;
        }
        Ok(fenced)
    }

    /// No attempt has begun after this one, and nothing of this one is on its way: what no manifest names may go.
    pub fn is_own(&self, storage: &Storage) -> Result<bool> {
        if self.unsettled {
            return Ok(false);
        }
        let own = last(&listed(storage)?) < self.next;
        if !own {
            log::warn!("job \"{}\" has been started once more: this worker removes no old checkpoints", self.job);
        }
        Ok(own)
    }

    /// Removes a place that is no fence; gives its manifest if it can be read.
    pub fn remove(&mut self, storage: &Storage, place: u64) -> Result<Option<Manifest>> {
        storage.delete(&path_of(place))?;
        Ok(match self.places.remove(&place) {
            Some(Place::Whole(manifest)) => Some(manifest),
            _ => None,
        })
    }

    /// Removes fences that nobody needs any more.
    pub fn remove_fences(&self, storage: &Storage) -> Result<()> {
        let old = |modified: SystemTime| modified.elapsed().is_ok_and(|age| age > FENCE_KEPT);
        for (place, stored) in listed(storage)? {
            if place < self.fence && is_fence(&stored) && stored.modified.is_some_and(old) {
                storage.delete(&stored.path)?;
            }
        }
        Ok(())
    }
}

/// The manifests there are, of a job that may be running: nothing is changed.
pub fn look(storage: &Storage, job: &str, parallel: usize) -> Result<Vec<Manifest>> {
    let places = read(storage, job, &listed(storage)?, parallel)?;
    let whole = places.into_values().filter_map(|place| match place {
        Place::Whole(manifest) => Some(manifest),
        Place::Damaged(why) => {
            log::warn!("{why}");
            None
        }
    });
    Ok(whole.collect())
}

fn path_of(place: u64) -> String {
    format!("{MANIFESTS}{place:020}")
}

/// What is in the row, by place.
fn listed(storage: &Storage) -> Result<Vec<(u64, Stored)>> {
    let place = |stored: &Stored| stored.path.strip_prefix(MANIFESTS)?.parse().ok();
    let mut places: Vec<(u64, Stored)> =
        storage.list(MANIFESTS)?.into_iter().filter_map(|stored| Some((place(&stored)?, stored))).collect();
    places.sort_unstable_by_key(|(place, _)| *place);
    Ok(places)
}

fn last(places: &[(u64, Stored)]) -> u64 {
    places.last().map_or(0, |(place, _)| *place)
}

fn is_fence(stored: &Stored) -> bool {
    stored.size <= TRAILER.len() as u64
}

fn read(storage: &Storage, job: &str, listed: &[(u64, Stored)], parallel: usize) -> Result<BTreeMap<u64, Place>> {
    let manifests: Vec<_> = listed.iter().filter(|(_, stored)| !is_fence(stored)).collect();
    let read = in_parallel(parallel, &manifests, |(place, stored)| {
        // One that is gone was removed between the list and now.
        let Some(bytes) = storage.get(&stored.path)? else { return Ok(None) };
        let read = match Manifest::decode(&bytes, &stored.path) {
            Ok(manifest) => Place::Whole(of_job(manifest, job, &stored.path)?),
            Err(Unreadable::Damaged(why)) => Place::Damaged(why),
            Err(Unreadable::Newer(error)) => return Err(error),
        };
        Ok(Some((*place, read)))
    })?;
    Ok(read.into_iter().flatten().collect())
}

/// The manifest if it is one of this job.
pub fn of_job(manifest: Manifest, job: &str, what: &str) -> Result<Manifest> {
    if manifest.job == job {
        return Ok(manifest);
    }
    let other = &manifest.job;
    Err(Error(format!("{what} belongs to job \"{other}\", not \"{job}\": give this job a folder of its own")))
}
