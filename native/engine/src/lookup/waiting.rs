use std::cell::OnceCell;
use std::rc::Rc;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::SchemaRef;

use super::cache::{Cache, InCache};
use crate::Result;
use crate::batch::{Batch, internal, row_of_nulls};

/// Keys that have been asked for together, and what has come of it.
pub struct Asked {
    pub keys: Vec<Box<[u8]>>,
    answer: OnceCell<Answer>,
}

struct Answer {
    rows: RecordBatch,
    /// The row of each key.
    matches: Vec<Option<u32>>,
}

impl Asked {
    pub fn new(keys: Vec<Box<[u8]>>) -> Self {
        Asked { keys, answer: OnceCell::new() }
    }

    pub fn answer(&self, rows: RecordBatch, matches: Vec<Option<u32>>) {
        // A call is answered once.
        let _ = self.answer.set(Answer { rows, matches });
    }

    /// The row of each key, of so many that belong to these keys.
    pub fn matches(&self, of: &[u32], rows: usize) -> Result<Vec<Option<u32>>> {
        if of.len() != rows {
            return Err(internal(format!("{rows} rows were found for {} keys", of.len())));
        }
        let mut matches = vec![None; self.keys.len()];
        for (row, &key) in of.iter().enumerate() {
            let place = matches.get_mut(key as usize).ok_or_else(|| internal("a row was found for no key"))?;
            *place = Some(row as u32);
        }
        Ok(matches)
    }
}

/// Where the match of a row is.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    Nothing,
    Cached(InCache),
    /// By the number of the question among those of the batch, and of the key in it.
    Asked(u32, u32),
    /// It is still to be asked for.
    Missing(u32),
}

/// Rows that wait for their matches.
pub struct Unmatched {
    pub batch: Batch,
    /// By row.
    pub places: Vec<Place>,
    /// What was in the cache when the rows came.
    cached: Vec<RecordBatch>,
    asked: Vec<Rc<Asked>>,
}

impl Unmatched {
    pub fn new(batch: Batch, cache: &Cache, rows: usize) -> Self {
        Unmatched { batch, places: Vec::with_capacity(rows), cached: cache.batches(), asked: Vec::new() }
    }

    /// The place of a key that is asked for there.
    pub fn waits_for(&mut self, asked: &Rc<Asked>, key: u32) -> Place {
        // Nearly always it is one of the last.
        let known = self.asked.iter().rposition(|known| Rc::ptr_eq(known, asked));
        let at = known.unwrap_or_else(|| {
            self.asked.push(asked.clone());
            self.asked.len() - 1
        });
        Place::Asked(at as u32, key)
    }

    pub fn replace_missing(&mut self, by: &[Place]) {
        for place in &mut self.places {
            if let Place::Missing(at) = *place {
                *place = by.get(at as usize).copied().unwrap_or(Place::Nothing);
            }
        }
    }

    pub fn is_answered(&self) -> bool {
        self.asked.iter().all(|asked| asked.answer.get().is_some())
    }

    /// The rows beside their matches. `columns` is the schema of these, `scope` of both.
    pub fn joined(self, columns: &SchemaRef, scope: &SchemaRef, keep_unmatched: bool) -> Result<Batch> {
        let Unmatched { batch, places, cached, asked } = self;
        let answers: Vec<&Answer> = asked.iter().filter_map(|asked| asked.answer.get()).collect();
        let nulls = row_of_nulls(columns)?;
        let rows = std::iter::once(&nulls).chain(&cached).chain(answers.iter().map(|answer| &answer.rows));
        let rows: Vec<&RecordBatch> = rows.collect();
        let at = |place: &Place| match *place {
            Place::Cached(InCache { batch, row }) => (1 + batch as usize, row as usize),
            Place::Asked(of, key) => {
                let found = answers.get(of as usize).and_then(|answer| answer.matches[key as usize]);
                found.map_or((0, 0), |row| (1 + cached.len() + of as usize, row as usize))
            }
            Place::Nothing | Place::Missing(_) => (0, 0),
        };
        let places: Vec<(usize, usize)> = places.iter().map(at).collect();
        let matches = interleave_record_batch(&rows, &places).map_err(internal)?;
        let both = batch.rows.columns().iter().chain(matches.columns()).cloned().collect();
        let joined = batch.with_rows(RecordBatch::try_new(scope.clone(), both).map_err(internal)?);
        if keep_unmatched || places.iter().all(|(of, _)| *of > 0) {
            return Ok(joined);
        }
        joined.filter(&places.iter().map(|(of, _)| Some(*of > 0)).collect::<BooleanArray>())
    }
}
