//! What the engine asks of outputs that are committed together with the positions of what they were made from.

use crate::Result;

/// Outputs of an epoch and the positions of what they were made from, committed together.
///
/// Epochs follow each other without a gap. `begin(e + 1)` comes after `flush(e)`, so that records are stored in the order
/// of their epochs; `commit(e)` comes after `flush(e)` and before `begin(e + 2)`. Calls wait for the brokers, and may come
/// from any thread.
pub trait Transactions: Send + Sync {
    /// Starts the transaction of an epoch: its records are taken from now on.
    fn begin(&self, epoch: u64) -> Result<()>;

    /// Waits until all records of the epoch are stored (nothing more is written to it).
    fn flush(&self, epoch: u64) -> Result<()>;

    /// Commits the epoch together with positions. It is the only commit point.
    fn commit(&self, epoch: u64, positions: &[GroupPositions]) -> Result<()>;

    /// Calls fail as another worker of the job has the transactions now.
    fn is_taken_over(&self) -> bool {
        false
    }
}

/// Positions of one consumer group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPositions {
    pub group: String,
    pub positions: Vec<TopicPosition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPosition {
    pub topic: String,
    pub partition: i32,
    /// The next offset to read.
    pub offset: i64,
    pub metadata: String,
}
