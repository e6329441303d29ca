//! Keeps what has been found, in two generations: what is used comes to the young one, and when there is no room the old one
//! goes. That a key has no row is kept as well.

use arrow::array::RecordBatch;
use arrow::compute::{concat_batches, interleave_record_batch};
use hashbrown::HashMap;

use crate::Result;
use crate::batch::internal;

pub struct Cache {
    /// Of one generation; 0: nothing is kept.
    room: usize,
    /// Milliseconds; `None`: for ever.
    ttl_ms: Option<u64>,
    young: Generation,
    old: Generation,
}

#[derive(Default)]
struct Generation {
    entries: HashMap<Box<[u8]>, Entry>,
    /// Rows of entries, each batch at least twice as long as the next: there are few of them.
    batches: Vec<RecordBatch>,
    rows: usize,
}

#[derive(Clone, Copy)]
struct Entry {
    /// Counted over all batches; `None`: there is no row.
    row: Option<u32>,
    /// When it was found.
    since_ms: u64,
}

/// A row of [`Cache::batches`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InCache {
    pub batch: u32,
    pub row: u32,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Hit {
    /// It is not known whether the key has a row.
    Missing,
    Nothing,
    Row {
        place: InCache,
        /// It is to be promoted.
        is_old: bool,
    },
}

impl Cache {
    pub fn new(rows: usize, ttl_ms: Option<u64>) -> Self {
        Cache { room: rows / 2, ttl_ms, young: Generation::default(), old: Generation::default() }
    }

    /// The rows that are kept.
    pub fn batches(&self) -> Vec<RecordBatch> {
        self.young.batches.iter().chain(&self.old.batches).cloned().collect()
    }

    pub fn get(&self, key: &[u8], now_ms: u64) -> Hit {
        let holds = |entry: &&Entry| self.ttl_ms.is_none_or(|ttl| now_ms.saturating_sub(entry.since_ms) < ttl);
        if let Some(entry) = self.young.entries.get(key).filter(holds) {
            return entry.row.map_or(Hit::Nothing, |row| Hit::Row { place: self.young.place(row, 0), is_old: false });
        }
        match self.old.entries.get(key).filter(holds) {
            None => Hit::Missing,
            Some(entry) => entry.row.map_or(Hit::Nothing, |row| Hit::Row {
                place: self.old.place(row, self.young.batches.len()),
                is_old: true,
            }),
        }
    }

    /// Brings entries of the old generation to the young one, by the places of their rows.
    pub fn promote(&mut self, used: &[(&[u8], InCache)]) -> Result<()> {
        if used.is_empty() {
            return Ok(());
        }
        let batches = self.batches();
        let places: Vec<_> = used.iter().map(|(_, place)| (place.batch as usize, place.row as usize)).collect();
        let rows = interleave_record_batch(&batches.iter().collect::<Vec<_>>(), &places).map_err(internal)?;
        let entries: Vec<_> = used
            .iter()
            .enumerate()
            .filter_map(|(row, (key, _))| {
                let Entry { since_ms, .. } = self.old.entries.remove(*key)?;
                Some((Box::from(*key), Entry { row: Some(row as u32), since_ms }))
            })
            .collect();
        self.add(entries, &rows)
    }

    /// Takes in what was found: the row of each key, if there is one.
    pub fn insert(
        &mut self,
        keys: &[Box<[u8]>],
        matches: &[Option<u32>],
        rows: &RecordBatch,
        now_ms: u64,
    ) -> Result<()> {
        if self.room == 0 {
            return Ok(());
        }
        let entries = keys.iter().zip(matches);
        let entries = entries.map(|(key, &row)| (key.clone(), Entry { row, since_ms: now_ms }));
        self.add(entries.collect(), rows)
    }

    /// Adds entries with their rows, which count from the first of `rows`.
    fn add(&mut self, entries: Vec<(Box<[u8]>, Entry)>, rows: &RecordBatch) -> Result<()> {
        if self.young.entries.len() + entries.len() > self.room && !self.young.entries.is_empty() {
            self.old = std::mem::take(&mut self.young);
        }
        let before = self.young.rows as u32;
        for (key, Entry { row, since_ms }) in entries {
            self.young.entries.insert(key, Entry { row: row.map(|row| before + row), since_ms });
        }
        self.young.append(rows)
    }
}

impl Generation {
    fn place(&self, row: u32, batches_before: usize) -> InCache {
        let mut row = row as usize;
        for (index, batch) in self.batches.iter().enumerate() {
            if row < batch.num_rows() {
                return InCache { batch: (batches_before + index) as u32, row: row as u32 };
            }
            row -= batch.num_rows();
        }
        // Every entry has its row.
        InCache { batch: batches_before as u32, row: 0 }
    }

    fn append(&mut self, rows: &RecordBatch) -> Result<()> {
        self.rows += rows.num_rows();
        let mut last = rows.clone();
        while let Some(before) = self.batches.pop_if(|before| before.num_rows() < 2 * last.num_rows()) {
            last = concat_batches(&before.schema(), [&before, &last]).map_err(internal)?;
        }
        if last.num_rows() > 0 {
            self.batches.push(last);
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::Int64Type;

    use super::*;

    /// The row of a key holds its number.
    fn insert(cache: &mut Cache, keys: std::ops::Range<i64>, now_ms: u64) {
        let boxed: Vec<Box<[u8]>> = keys.clone().map(|key| Box::from(key.to_be_bytes())).collect();
        let column: arrow::array::ArrayRef = Arc::new(Int64Array::from_iter_values(keys));
        let rows = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let matches: Vec<_> = (0..rows.num_rows()).map(|row| Some(row as u32)).collect();
        cache.insert(&boxed, &matches, &rows, now_ms).unwrap();
    }

    fn get(cache: &Cache, key: i64, now_ms: u64) -> Option<i64> {
        let Hit::Row { place: InCache { batch, row }, .. } = cache.get(&key.to_be_bytes(), now_ms) else { return None };
        let batches = cache.batches();
        Some(batches[batch as usize].column(0).as_primitive::<Int64Type>().value(row as usize))
    }

    #[test]
    fn what_was_found_is_found_again_in_few_batches() {
        let mut cache = Cache::new(10_000, None);
        for start in (0..1000).step_by(10) {
            insert(&mut cache, start..start + 10, 0);
        }
        assert!((0..1000).all(|key| get(&cache, key, 0) == Some(key)));
        assert!(cache.batches().len() < 10, "{}", cache.batches().len());
    }

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let mut cache = Cache::new(200, None);
        insert(&mut cache, 0..100, 0);
        insert(&mut cache, 100..200, 0);
        let key = 7_i64.to_be_bytes();
        let Hit::Row { place, is_old: true } = cache.get(&key, 0) else { panic!("the first hundred are old") };
        cache.promote(&[(&key, place)]).unwrap();
        assert_eq!(get(&cache, 7, 0), Some(7));
        insert(&mut cache, 200..250, 0);
        assert_eq!((get(&cache, 7, 0), get(&cache, 8, 0), get(&cache, 249, 0)), (Some(7), None, Some(249)));
    }

    #[test]
    fn an_entry_outlives_its_ttl_by_nothing_though_it_is_used() {
        let mut cache = Cache::new(200, Some(1000));
        insert(&mut cache, 0..100, 0);
        insert(&mut cache, 100..200, 500);
        let key = 7_i64.to_be_bytes();
        let Hit::Row { place, .. } = cache.get(&key, 999) else { panic!("it holds until then") };
        cache.promote(&[(&key, place)]).unwrap();
        assert_eq!((get(&cache, 7, 999), get(&cache, 7, 1000), get(&cache, 100, 1000)), (Some(7), None, Some(100)));
    }

    #[test]
    fn that_there_is_no_row_is_known_as_well() {
        let mut cache = Cache::new(10, None);
        let rows = RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty()));
        cache.insert(&[Box::from(*b"gone")], &[None], &rows, 0).unwrap();
        assert_eq!((cache.get(b"gone", 0), cache.get(b"other", 0)), (Hit::Nothing, Hit::Missing));
    }

    #[test]
    fn without_room_nothing_is_kept() {
        let mut cache = Cache::new(0, None);
        insert(&mut cache, 0..10, 0);
        assert_eq!(get(&cache, 1, 0), None);
    }
}
