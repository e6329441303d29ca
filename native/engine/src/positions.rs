//! From where a partition would have to be read again after a crash.
//!
//! Windows are not stored: a restart rebuilds those that were open from the records themselves. So the position that is
//! committed lies before the oldest record that a window still to be emitted depends on, and its metadata says which
//! windows had been emitted, so that none of them is emitted again in part.

use std::collections::VecDeque;

use millrace_io::Position;

use crate::batch::{Millis, NO_WATERMARK};

/// A stretch of records, up to the next stretch or the last record read.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    first_offset: i64,
    /// The partition's watermark before the first record.
    reached: Millis,
    /// Everything that follows from these records has been emitted when the windows downstream have got here.
    settles_at: Millis,
}

#[derive(Debug, Clone, Copy)]
struct BarrierPosition {
    next_offset: i64,
    reached: Millis,
}

/// What has been read of one partition and is not settled.
#[derive(Debug)]
pub struct PartitionPosition {
    next_offset: i64,
    /// In order of offset; `settles_at` rises, as a stretch that settles no later than the one before joins it.
    unsettled: VecDeque<Stretch>,
    at_barrier: BarrierPosition,
    committed: Option<Position>,
}

impl PartitionPosition {
    pub fn new(start: i64) -> Self {
        PartitionPosition {
            next_offset: start,
            unsettled: VecDeque::new(),
            at_barrier: BarrierPosition { next_offset: start, reached: NO_WATERMARK },
            committed: None,
        }
    }

    /// The record at `offset` has been read.
    pub fn advance(&mut self, offset: i64) {
        self.next_offset = offset + 1;
    }

    /// Records from `first_offset` to the next position depend on windows that are emitted by `settles_at`.
    pub fn add(&mut self, first_offset: i64, reached: Millis, settles_at: Millis) {
        let joins = self.unsettled.back().map_or(settles_at == NO_WATERMARK, |last| settles_at <= last.settles_at);
        if !joins {
            self.unsettled.push_back(Stretch { first_offset, reached, settles_at });
        }
    }

    /// A barrier follows the last record read; `reached` is the partition's watermark there. Gives the offset of the
    /// record after it.
    pub fn on_barrier(&mut self, reached: Millis) -> i64 {
        self.at_barrier = BarrierPosition { next_offset: self.next_offset, reached };
        self.next_offset
    }

    /// The position to commit now that the last barrier has completed and all windows up to `emitted` are durable;
    /// `None` when that has not changed.
    pub fn commit(&mut self, split: usize, emitted: Millis, checkpoint: Option<u64>) -> Option<Position> {
        while self.unsettled.front().is_some_and(|first| first.settles_at <= emitted) {
            self.unsettled.pop_front();
        }
        let BarrierPosition { next_offset, reached } = self.at_barrier;
        let (offset, reached) = match self.unsettled.front() {
            Some(first) if first.first_offset < next_offset => (first.first_offset, first.reached),
            _ => (next_offset, reached),
        };
        let position =
            Position { split, offset, metadata: PositionMetadata { emitted, reached, checkpoint }.to_string() };
        if self.committed.as_ref() == Some(&position) {
            return None;
        }
        self.committed = Some(position.clone());
        Some(position)
    }
}

/// What is stored with a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PositionMetadata {
    /// All windows that end by then have been emitted.
    pub emitted: Millis,
    /// The partition's watermark at the position.
    pub reached: Millis,
    /// The checkpoint that holds the state at the position.
    pub checkpoint: Option<u64>,
}

const METADATA_VERSION: &str = "millrace/1";

impl std::fmt::Display for PositionMetadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{METADATA_VERSION} emitted={} reached={}", self.emitted, self.reached)?;
        self.checkpoint.map_or(Ok(()), |checkpoint| write!(f, " checkpoint={checkpoint}"))
    }
}

impl PositionMetadata {
    /// `None` for what Millrace has not written.
    pub fn parse(metadata: &str) -> Option<Self> {
        let mut words = metadata.split(' ');
        if words.next()? != METADATA_VERSION {
            return None;
        }
        let emitted = words.next()?.strip_prefix("emitted=")?.parse().ok()?;
        let reached = words.next()?.strip_prefix("reached=")?.parse().ok()?;
        let checkpoint = words.next().and_then(|word| word.strip_prefix("checkpoint=")?.parse().ok());
        Some(PositionMetadata { emitted, reached, checkpoint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(position: &mut PartitionPosition, emitted: Millis) -> Option<i64> {
        position.on_barrier(0);
        position.commit(0, emitted, None).map(|p| p.offset)
    }

    #[test]
    fn without_windows_the_position_at_the_barrier_is_committed() {
        let mut position = PartitionPosition::new(5);
        position.advance(9);
        position.add(5, NO_WATERMARK, NO_WATERMARK);
        position.on_barrier(0);
        position.advance(20);
        assert_eq!(position.commit(0, NO_WATERMARK, None).map(|p| p.offset), Some(10));
    }

    #[test]
    fn the_position_stays_before_the_records_of_an_open_window() {
        let mut position = PartitionPosition::new(0);
        for (first, last, settles_at) in [(0, 9, 100), (10, 19, 200), (20, 29, 100), (30, 39, 300)] {
            position.advance(last);
            position.add(first, 0, settles_at);
        }
        assert_eq!(offset(&mut position, 50), Some(0));
        assert_eq!(offset(&mut position, 100), Some(10));
        assert_eq!(offset(&mut position, 200), Some(30));
        assert_eq!(offset(&mut position, 300), Some(40));
    }

    #[test]
    fn a_position_that_has_not_changed_is_not_committed_again() {
        let mut position = PartitionPosition::new(0);
        position.advance(0);
        assert_eq!(offset(&mut position, 0), Some(1));
        assert_eq!(offset(&mut position, 0), None);
    }

    #[test]
    fn metadata_reads_back() {
        for checkpoint in [None, Some(12)] {
            let metadata = PositionMetadata { emitted: 1_700_000_000_000, reached: NO_WATERMARK, checkpoint };
            assert_eq!(PositionMetadata::parse(&metadata.to_string()), Some(metadata));
        }
        assert_eq!(PositionMetadata::parse("someone else's"), None);
    }
}
