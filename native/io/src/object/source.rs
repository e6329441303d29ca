//! Reads objects line by line, or by their rows.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use millrace_plan::FileSource as Config;
use millrace_storage::{Content, Failure, Store};

use super::listing::{Listing, Object, failed};
use super::scratch::Scratch;
use super::thread::Worker;
use crate::file::{FILE_SOURCE, Input, RowsOf, check_gone, hash, rows_of, start};
use crate::{Error, Poll, Position, Receiver, Restored, Result, Source, Split, Waker};

/// How often a storage is asked for new objects: a listing is a request that is paid for.
const LOOK: Duration = Duration::from_secs(5);

/// Objects that are fetched ahead of the one that is read.
const AHEAD: usize = 2;

/// An object is fetched to the local disk, read from there as a file is, and removed. A record's offset is the number of its
/// line, or of its row where it has no lines, from 0.
///
/// Objects are read one after the other, in order of their places; a paused one gives way to the next. Positions are not
/// stored: every start begins with the first line, or where a checkpoint goes on. With `follow`, objects that come to match are
/// read as well; what has been read is not looked at again, as objects do not grow.
pub struct ObjectSource {
    listings: Vec<Listing>,
    /// How objects are read that have no lines.
    rows: Option<RowsOf>,
    follow: bool,
    slot: usize,
    slots: usize,
    splits: Vec<Split>,
    objects: Vec<Fetched>,
    /// Places that are dealt with, of this slot's.
    known: HashSet<String>,
    /// Objects that have not ended.
    running: usize,
    /// Those before this one have ended.
    first: usize,
    /// Objects that have not been asked for begin here.
    next: usize,
    fetches: Worker<Fetch, Outcome>,
    scratch: Scratch,
    looked: Instant,
}

/// One object, on its way from the storage to its end.
struct Fetched {
    object: Object,
    input: Input,
    is_here: bool,
}

struct Fetch {
    split: usize,
    object: Object,
    to: PathBuf,
}

struct Outcome {
    split: usize,
    outcome: std::result::Result<Content, Failure>,
}

impl ObjectSource {
    /// Finds the objects. Without `follow` there has to be one, over all slots, unless all that `restored` names have been
    /// read to their ends.
    pub fn open(
        config: &Config,
        columns: SchemaRef,
        slot: usize,
        slots: usize,
        waker: &Waker,
        restored: Option<&[Restored]>,
    ) -> Result<ObjectSource> {
        let listings = config.paths.iter().map(|path| Listing::new(path)).collect::<Result<Vec<_>>>()?;
        let scratch = Scratch::new().map_err(|error| {
            Error(format!("{FILE_SOURCE}: {}: {error}. Check the disk.", std::env::temp_dir().display()))
        })?;
        let fetches = Worker::start(FILE_SOURCE, 1, Some(waker.clone()), |Fetch { split, object, to }| Outcome {
            split,
            outcome: object.storage.download(&object.name, &to, object.bytes),
        })?;
        let mut source = ObjectSource {
            listings,
            rows: rows_of(config, columns),
            follow: config.follow,
            slot,
            slots,
            splits: Vec::new(),
            objects: Vec::new(),
            known: HashSet::new(),
            running: 0,
            first: 0,
            next: 0,
            fetches,
            scratch,
            looked: Instant::now(),
        };
        let restored = restored.unwrap_or_default();
        let found = source.find()?;
        let some_ended = restored.iter().any(|at| at.offset == Restored::READ_TO_END);
        if found.is_empty() && !config.follow && !some_ended {
            return Err(Error(format!(
                "{FILE_SOURCE}: no file matches {}. Correct the path.",
                config.paths.join(", ")
            )));
        }
        check_gone(restored, |place| found.contains_key(place))?;
        source.add(found, restored)?;
        Ok(source)
    }

    fn find(&mut self) -> Result<BTreeMap<String, Object>> {
        self.looked = Instant::now();
        let mut found = BTreeMap::new();
        self.listings.iter().try_for_each(|listing| listing.find(&mut found))?;
        Ok(found)
    }

    /// Adds the objects of this slot that are not known yet.
    fn add(&mut self, found: BTreeMap<String, Object>, restored: &[Restored]) -> Result<()> {
        for (index, (place, object)) in found.into_iter().enumerate() {
            // Where objects come and go, their order does not say whose they are.
            let slot = if self.follow { hash(&place) as usize } else { index } % self.slots;
            if slot != self.slot || !self.known.insert(place.clone()) {
                continue;
            }
            let start = start(restored, &place, 0)?;
            // Its end says how it is compressed.
            let name = object.name.rsplit('/').next().unwrap_or_default();
            let local = self.scratch.path().join(format!("{}-{name}", self.objects.len()));
            let input = Input::new(place.clone(), local, false, None, start, self.rows.clone());
            self.splits.push(Split { resource: place.clone(), name: place, partition: 0, start, metadata: None });
            // Of what has been read nothing is fetched.
            let is_here = start == Restored::READ_TO_END;
            self.objects.push(Fetched { object, input, is_here });
            self.running += 1;
        }
        Ok(())
    }

    /// Asks for the objects that come next.
    fn fetch(&mut self) {
        while self.next < self.objects.len() && self.ahead() < AHEAD {
            let Fetched { object, input, is_here } = &self.objects[self.next];
            if !is_here {
                self.fetches.order(Fetch { split: self.next, object: object.clone(), to: input.path.clone() });
            }
            self.next += 1;
        }
    }

    /// Objects that are on their way, or here and not read from yet.
    fn ahead(&self) -> usize {
        let waits = |object: &&Fetched| !object.input.ended && object.input.start != Restored::READ_TO_END;
        self.objects[self.first..self.next].iter().filter(waits).count().saturating_sub(1)
    }

    fn take_fetched(&mut self) -> Result<()> {
        while let Some(Outcome { split, outcome }) = self.fetches.take()? {
            let Fetched { object, is_here, .. } = &mut self.objects[split];
            let place = &self.splits[split].name;
            let content = outcome.map_err(|failure| failed(place, &failure))?;
            if content.size != object.bytes {
                return Err(Error(format!(
                    "{FILE_SOURCE}: {place} had {} bytes when it was found, and has {} now. Write objects once, under names of \
                     their own.",
                    object.bytes, content.size
                )));
            }
            *is_here = true;
        }
        Ok(())
    }

    fn read<R: Receiver>(
        &mut self,
        split: usize,
        max_records: usize,
        receiver: &mut R,
    ) -> std::result::Result<usize, R::Error> {
        let Fetched { input, .. } = &mut self.objects[split];
        let given = input.read(split, max_records, receiver)?;
        if input.ended {
            self.running -= 1;
            // The folder goes with what is left in it.
            let _ = std::fs::remove_file(&input.path);
            receiver.end(split)?;
        }
        Ok(given)
    }
}

impl<R: Receiver> Source<R> for ObjectSource {
    fn splits(&self) -> &[Split] {
        &self.splits
    }

    fn poll(&mut self, max_records: usize, receiver: &mut R) -> std::result::Result<Poll, R::Error> {
        self.take_fetched()?;
        self.fetch();
        let mut given = 0;
        for split in self.first..self.next {
            let Fetched { input, is_here, .. } = &self.objects[split];
            if given >= max_records {
                break;
            }
            if *is_here && !input.ended && !input.paused {
                given += self.read(split, max_records - given, receiver)?;
            }
        }
        while self.first < self.next && self.objects[self.first].input.ended {
            self.first += 1;
        }
        if given > 0 {
            return Ok(if self.running > 0 || self.follow { Poll::More } else { Poll::End });
        }
        let until_look = LOOK.saturating_sub(self.looked.elapsed());
        if self.follow && until_look.is_zero() {
            let known = self.objects.len();
            let found = self.find()?;
            self.add(found, &[])?;
            if self.objects.len() > known {
                return Ok(Poll::More);
            }
        }
        Ok(match self.follow {
            true => Poll::Empty { retry_after_ms: Some(until_look.as_millis().max(1) as u64) },
            false if self.running > 0 => Poll::Empty { retry_after_ms: None },
            false => Poll::End,
        })
    }

    fn pause(&mut self, split: usize, paused: bool) -> Result<()> {
        self.objects[split].input.paused = paused;
        Ok(())
    }

    fn commit(&mut self, _positions: &[Position]) -> Result<()> {
        Ok(())
    }

    fn close(&mut self, _timeout_ms: u64) -> Result<()> {
        Ok(())
    }
}
