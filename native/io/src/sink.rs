//! What the engine asks of a sink.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use millrace_formats::{Cells, Rows};

use crate::{Result, Waker};

/// A batch of records, most often encoded; keys and each header hold one entry a row.
#[derive(Debug, Default)]
pub struct Records {
    pub values: Rows,
    /// The rows instead of records, where the sink encodes them by itself.
    pub rows: Option<RecordBatch>,
    /// The folder of files that all of them go to.
    pub folder: Option<Arc<str>>,
    /// Which have no value; in `values` theirs is empty.
    pub tombstones: Tombstones,
    pub keys: Option<Cells>,
    pub headers: Vec<(String, Cells)>,
    /// What each file begins with, as a line.
    pub first_line: Option<Arc<[u8]>>,
    /// The columns that the values are made of, where they are not an envelope's.
    pub schema: Option<SchemaRef>,
}

impl Records {
    pub fn len(&self) -> usize {
        self.rows.as_ref().map_or_else(|| self.values.len(), RecordBatch::num_rows)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the values; of rows, those in memory.
    pub fn bytes(&self) -> usize {
        self.values.bytes() + self.rows.as_ref().map_or(0, memory_bytes)
    }

    /// `None` is a tombstone.
    pub fn value(&self, row: usize) -> Option<&[u8]> {
        self.values.get(row).filter(|_| !self.tombstones.has(row))
    }
}

/// Records without a value.
#[derive(Debug, Default)]
pub enum Tombstones {
    #[default]
    None,
    /// By row.
    Rows(Vec<bool>),
}

impl Tombstones {
    pub fn of_one(is_tombstone: bool) -> Tombstones {
        if is_tombstone { Tombstones::Rows(vec![true]) } else { Tombstones::None }
    }

    pub fn has(&self, row: usize) -> bool {
        match self {
            Tombstones::None => false,
            Tombstones::Rows(rows) => rows.get(row) == Some(&true),
        }
    }
}

/// Bytes of memory that rows take, and not those around them.
pub fn memory_bytes(rows: &RecordBatch) -> usize {
    let of = |column: &dyn Array| column.to_data().get_slice_memory_size().unwrap_or_default();
    rows.columns().iter().map(|column| of(column.as_ref())).sum()
}

/// A file that is complete, but not visible yet; both paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StagedFile {
    /// Where it is now.
    pub staged: String,
    /// Where it is once it is committed.
    pub visible: String,
}

/// A row that the other side has refused for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Who refused it, and the number of the shard that it is.
    pub by: String,
    pub shard: usize,
    pub reason: String,
    pub value: Vec<u8>,
}

/// Where a sink is.
pub struct SinkPlace {
    /// The id of its operator; that of a dead-letter sink has "/dead-letter" behind it.
    pub id: String,
    pub slot: usize,
    /// Wakes the slot, from any thread.
    pub waker: Waker,
}

/// A sink as one slot sees it. Never blocks; all calls come from one thread.
pub trait Sink {
    /// Takes records from row `from` on and says how many it took: fewer than there are means that it is full, and the
    /// rest is to be offered again later (backpressure).
    fn write(&mut self, records: &Records, from: usize) -> Result<usize>;

    /// Serves callbacks and timers; an error that a written record met comes out here.
    fn poll(&mut self, now_ms: u64) -> Result<()>;

    /// When, by the clock of [`Sink::poll`], it wants to be polled, even where nothing else happens.
    fn next_poll_ms(&self) -> Option<u64> {
        None
    }

    /// What was written before this call belongs to this epoch; a new one starts.
    fn begin_epoch(&mut self) -> Result<()>;

    /// The number of epochs, from the first, of which everything is durable.
    fn durable_epochs(&self) -> u64;

    /// How full its queue of what is written and not confirmed is: 1 at its bound, 0 where it has none.
    fn fill(&self) -> f64 {
        0.0
    }

    /// Rows that were refused since the last call. They count as durable: whoever takes them has to see to them before
    /// anything relies on it.
    fn take_refused(&mut self) -> Vec<Refused> {
        Vec::new()
    }

    /// Makes everything durable without waiting for a size or an age to be reached, as at the end of a job.
    fn flush(&mut self) -> Result<()>;

    /// What of the closed epochs waits for [`Sink::commit`] as files.
    fn staged(&mut self) -> Vec<StagedFile> {
        Vec::new()
    }

    /// Makes what is staged of so many epochs, from the first, visible: the checkpoint that they belong to is complete.
    fn commit(&mut self, _epochs: u64) -> Result<()> {
        Ok(())
    }
}
