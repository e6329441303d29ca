//! What the engine asks of a source.

use std::sync::Arc;

use arrow::array::RecordBatch;
use millrace_formats::BadRecord;

use crate::Result;

/// Called, from any thread, when a source that had nothing may have something again.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// A part of a source that is read in order: a Kafka partition, a file, a generator's share. Splits are named by their
/// index in [`Source::splits`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// As errors name it: "bids, partition 3" or "data/a.jsonl".
    pub name: String,
    /// The topic or path, as dead-letter records and checkpoints name it.
    pub resource: String,
    /// The Kafka partition or the number of a generator's share. A followed file has a number that tells it from others
    /// that had its path; it is 0 for files elsewhere.
    pub partition: i32,
    /// Where reading starts: a Kafka offset, a line number (from 0), an event number.
    pub start: i64,
    /// What [`Source::commit`] stored with that position, if it came from a commit.
    pub metadata: Option<String>,
}

/// One record that is still to be decoded. It lives only for the call that hands it over.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    pub split: usize,
    /// In the units of [`Split::start`].
    pub offset: i64,
    /// Milliseconds since the epoch.
    pub timestamp: Option<i64>,
    pub key: Option<&'a [u8]>,
    /// `None` is a Kafka tombstone.
    pub value: Option<&'a [u8]>,
}

/// What a source hands its records to. An error ends the poll and the job.
pub trait Receiver {
    type Error: From<crate::Error>;

    fn record(&mut self, record: Record<'_>) -> std::result::Result<(), Self::Error>;

    /// Rows that need no decoding, with all columns of the source's declared schema; row i has the offset
    /// `first_offset + i`.
    fn rows(&mut self, split: usize, first_offset: i64, rows: RecordBatch) -> std::result::Result<(), Self::Error>;

    /// What a source that decodes by itself could not read: `record`, or the rows from there to before `next`.
    fn unreadable(&mut self, record: Record<'_>, _next: i64, bad: &BadRecord) -> std::result::Result<(), Self::Error> {
        Err(crate::Error(format!("offset {}: {bad}", record.offset)).into())
    }

    /// Everything that the split holds for now has been handed over. Said once or again, until the next record.
    fn caught_up(&mut self, _split: usize) {}

    /// The split has ended: nothing more comes from it.
    fn end(&mut self, split: usize) -> std::result::Result<(), Self::Error>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poll {
    /// Something was handed over; there may be more.
    More,
    /// Nothing now. The waker will be called, or, with a time, poll again after so many milliseconds.
    Empty { retry_after_ms: Option<u64> },
    /// Every split has ended.
    End,
}

/// Where a split is to be taken up again after a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub split: usize,
    /// The next offset to read.
    pub offset: i64,
    pub metadata: String,
}

/// Where a checkpoint goes on with a split, named by what does not change from one run to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// [`Split::resource`] and [`Split::partition`].
    pub resource: String,
    pub partition: i32,
    /// The next offset to read.
    pub offset: i64,
    /// What [`Source::token`] gave there.
    pub token: Option<String>,
}

impl Restored {
    /// The offset of a file that has been read to its end: nothing of it is read again, and it may be gone.
    pub const READ_TO_END: i64 = i64::MAX;
}

/// Where a source is.
pub struct SourcePlace<'a> {
    /// The id of its operator.
    pub id: &'a str,
    /// One slot of so many.
    pub slot: usize,
    pub slots: usize,
    /// Wakes the slot, from any thread.
    pub waker: Waker,
}

/// A source as one slot sees it: only the splits that are this slot's. Never blocks for longer than a client library's
/// shortest poll; all calls come from one thread.
pub trait Source<R: Receiver> {
    fn splits(&self) -> &[Split];

    /// Hands over up to about `max_records` records.
    fn poll(&mut self, max_records: usize, receiver: &mut R) -> std::result::Result<Poll, R::Error>;

    /// Stops or restarts the fetching of one split; what was already fetched may still come.
    fn pause(&mut self, split: usize, paused: bool) -> Result<()>;

    /// What a checkpoint keeps beside the position behind everything that has been handed over, where an offset alone does not
    /// say where to go on.
    fn token(&self, _split: usize) -> Option<&str> {
        None
    }

    /// Stores positions, without waiting for the outcome; failures are reported by a later poll.
    fn commit(&mut self, positions: &[Position]) -> Result<()>;

    /// Waits until the last commit has been stored, at most `timeout_ms`, and lets go of connections.
    fn close(&mut self, timeout_ms: u64) -> Result<()>;
}
