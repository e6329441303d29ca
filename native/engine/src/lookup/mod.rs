//! Joins rows with what a database has for their keys. Rows wait here for its answers, in their order, while the slot goes on:
//! what comes in and what goes out are an end and a beginning within the slot, as at an exchange.

mod cache;
mod keys;
mod waiting;

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use millrace_io::{Calling, Found, Reply, Want};

use crate::barrier::BarrierId;
use crate::batch::{Batch, internal, nullable};
use crate::counters::OperatorCounters;
use crate::environment::Environment;
use crate::node::Event;
use crate::watermarks::Watermark;
use crate::{Error, ErrorCode, Result};

pub use cache::Cache;
use cache::Hit;
pub use keys::LookupKeys;
use waiting::{Asked, Place, Unmatched};

/// So much may wait for answers; more is not taken from upstream. One batch may overshoot it.
const WAITING_BYTES: usize = 4 << 20;

pub type SharedLookup = Rc<RefCell<Lookup>>;

/// The lookups of one operator in one slot.
pub struct Lookup {
    step: String,
    keys: LookupKeys,
    /// What is found, as it is declared, and as it stands beside rows that may have no match.
    columns: SchemaRef,
    nullable: SchemaRef,
    /// The columns of both sides.
    scope: SchemaRef,
    keep_unmatched: bool,
    /// Keys of a call, at most.
    batch_keys: usize,
    cache: Cache,
    calling: Calling,
    /// By the number of the call.
    unanswered: HashMap<u64, Rc<Asked>>,
    /// Where each key is asked for.
    on_their_way: HashMap<Box<[u8]>, (Rc<Asked>, u32)>,
    queue: VecDeque<Queued>,
    bytes: usize,
    environment: Arc<dyn Environment>,
    counters: Arc<OperatorCounters>,
}

/// What a lookup is made of.
pub struct LookupParts {
    pub step: String,
    pub keys: LookupKeys,
    pub columns: SchemaRef,
    /// The columns of both sides.
    pub scope: SchemaRef,
    pub keep_unmatched: bool,
    pub batch_keys: usize,
    pub cache: Cache,
    pub calling: Calling,
    pub environment: Arc<dyn Environment>,
    pub counters: Arc<OperatorCounters>,
}

struct Queued {
    what: Waiting,
    /// When what it was made from was read, by the job's clock.
    read_ns: u64,
}

enum Waiting {
    Rows(Unmatched),
    Watermark(Watermark),
    Barrier(BarrierId),
}

impl Lookup {
    pub fn new(parts: LookupParts) -> Self {
        let LookupParts {
            step,
            keys,
            columns,
            scope,
            keep_unmatched,
            batch_keys,
            cache,
            calling,
            environment,
            counters,
        } = parts;
        Lookup {
            step,
            keys,
            nullable: nullable(&columns),
            columns,
            scope,
            keep_unmatched,
            batch_keys,
            cache,
            calling,
            unanswered: HashMap::new(),
            on_their_way: HashMap::new(),
            queue: VecDeque::new(),
            bytes: 0,
            environment,
            counters,
        }
    }

    /// Too much waits: nothing that leads here is to be run.
    pub fn is_blocked(&self) -> bool {
        self.bytes >= WAITING_BYTES
    }

    pub fn send(&mut self, batch: Batch, read_ns: u64) -> Result<()> {
        self.counters.rows_in.add(batch.len() as u64);
        self.bytes += batch.bytes();
        let rows = self.look_up(batch)?;
        self.queue.push_back(Queued { what: Waiting::Rows(rows), read_ns });
        Ok(())
    }

    pub fn watermark(&mut self, watermark: Watermark, read_ns: u64) {
        self.queue.push_back(Queued { what: Waiting::Watermark(watermark), read_ns });
    }

    pub fn barrier(&mut self, barrier: BarrierId, read_ns: u64) {
        self.queue.push_back(Queued { what: Waiting::Barrier(barrier), read_ns });
    }

    /// The next of what came in, if all that it waits for has been answered.
    pub fn receive(&mut self) -> Result<Option<(Event, u64)>> {
        self.take_answers()?;
        let is_ready = |queued: &Queued| !matches!(&queued.what, Waiting::Rows(rows) if !rows.is_answered());
        if !self.queue.front().is_some_and(is_ready) {
            return Ok(None);
        }
        let Some(Queued { what, read_ns }) = self.queue.pop_front() else { return Ok(None) };
        let event = match what {
            Waiting::Watermark(watermark) => Event::Watermark(watermark),
            Waiting::Barrier(barrier) => Event::Barrier(barrier),
            Waiting::Rows(rows) => {
                self.bytes -= rows.batch.bytes();
                Event::Batch(rows.joined(&self.nullable, &self.scope, self.keep_unmatched)?)
            }
        };
        Ok(Some((event, read_ns)))
    }

    /// Finds the place of each row's match, and asks for the keys that have none.
    fn look_up(&mut self, batch: Batch) -> Result<Unmatched> {
        let now_ms = self.environment.elapsed_ms();
        let keys = self.keys.of(&batch.rows)?;
        let mut rows = Unmatched::new(batch, &self.cache, keys.len());
        let mut promoted = Vec::new();
        let mut missing = Missing::default();
        for row in 0..keys.len() {
            let Some(key) = keys.get(row) else {
                rows.places.push(Place::Nothing);
                continue;
            };
            let place = match self.cache.get(key, now_ms) {
                Hit::Nothing => Place::Nothing,
                Hit::Row { place, is_old } => {
                    if is_old {
                        promoted.push((key, place));
                    }
                    Place::Cached(place)
                }
                Hit::Missing => match self.on_their_way.get(key) {
                    Some((asked, at)) => rows.waits_for(asked, *at),
                    None => missing.add(key, row),
                },
            };
            rows.places.push(place);
        }
        self.counters.lookups.hits.add((keys.len() - missing.keys.len()) as u64);
        self.counters.lookups.misses.add(missing.keys.len() as u64);
        self.cache.promote(&promoted)?;
        self.ask(&mut rows, &keys.columns, missing)?;
        Ok(rows)
    }

    /// Asks for keys that nobody has asked for, so many a call; `columns` are those of all keys.
    fn ask(&mut self, rows: &mut Unmatched, columns: &RecordBatch, missing: Missing<'_>) -> Result<()> {
        let mut places = Vec::with_capacity(missing.keys.len());
        let chunks = missing.keys.chunks(self.batch_keys).zip(missing.first_rows.chunks(self.batch_keys));
        for (keys, first_rows) in chunks {
            let asked = Rc::new(Asked::new(keys.iter().map(|&key| key.into()).collect()));
            let keys = take_record_batch(columns, &UInt32Array::from(first_rows.to_vec())).map_err(internal)?;
            let call = self.calling.call(Want::Find { keys, columns: self.columns.clone() });
            for (at, key) in asked.keys.iter().enumerate() {
                self.on_their_way.insert(key.clone(), (asked.clone(), at as u32));
                places.push(rows.waits_for(&asked, at as u32));
            }
            self.unanswered.insert(call, asked);
        }
        rows.replace_missing(&places);
        Ok(())
    }

    fn take_answers(&mut self) -> Result<()> {
        let answers: Vec<_> = self.calling.answers().collect();
        for (call, answer) in answers {
            let Some(asked) = self.unanswered.remove(&call) else { continue };
            let found = match answer {
                Ok(Reply::Found(found)) => found,
                Ok(_) => return Err(internal("a lookup was answered with something else")),
                Err(reason) => return Err(Error::new(ErrorCode::Source, reason).at(&self.step)),
            };
            self.settle(&asked, found)?;
        }
        Ok(())
    }

    fn settle(&mut self, asked: &Rc<Asked>, Found { rows, keys }: Found) -> Result<()> {
        let rows = RecordBatch::try_new(self.nullable.clone(), rows.columns().to_vec()).map_err(internal)?;
        let matches = asked.matches(&keys, rows.num_rows())?;
        for key in &asked.keys {
            self.on_their_way.remove(key);
        }
        self.cache.insert(&asked.keys, &matches, &rows, self.environment.elapsed_ms())?;
        asked.answer(rows, matches);
        Ok(())
    }
}

/// Keys that are to be asked for.
#[derive(Default)]
struct Missing<'a> {
    keys: Vec<&'a [u8]>,
    /// The row that each has come with first.
    first_rows: Vec<u32>,
    known: hashbrown::HashMap<&'a [u8], u32>,
}

impl<'a> Missing<'a> {
    fn add(&mut self, key: &'a [u8], row: usize) -> Place {
        let next = self.keys.len() as u32;
        let at = *self.known.entry(key).or_insert(next);
        if at == next {
            self.keys.push(key);
            self.first_rows.push(row as u32);
        }
        Place::Missing(at)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
