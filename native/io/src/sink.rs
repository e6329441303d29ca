//! What the engine asks of a sink.

use millrace_formats::{Cells, Rows};

use crate::Result;

/// A batch of encoded records; keys and each header hold one entry a row.
#[derive(Debug, Default)]
pub struct Records {
    pub values: Rows,
    /// The records have no value; `values` only says how many there are.
    pub tombstones: bool,
    pub keys: Option<Cells>,
    pub headers: Vec<(String, Cells)>,
}

impl Records {
    /// `None` is a tombstone.
    pub fn value(&self, row: usize) -> Option<&[u8]> {
        self.values.get(row).filter(|_| !self.tombstones)
    }
}

/// A sink as one slot sees it. Never blocks; all calls come from one thread.
pub trait Sink {
    /// Takes records from row `from` on and says how many it took: fewer than there are means that it is full, and the
    /// rest is to be offered again later (backpressure).
    fn write(&mut self, records: &Records, from: usize) -> Result<usize>;

    /// Serves callbacks and timers; an error that a written record met comes out here.
    fn poll(&mut self, now_ms: u64) -> Result<()>;

    /// What was written before this call belongs to this epoch; a new one starts.
    fn begin_epoch(&mut self) -> Result<()>;

    /// The number of epochs, from the first, of which everything is durable.
    fn durable_epochs(&self) -> u64;

    /// Makes everything durable without waiting for a size or an age to be reached, as at the end of a job.
    fn flush(&mut self) -> Result<()>;
}
