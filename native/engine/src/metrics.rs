//! Figures of a running job, summed over its slots.

use millrace_state::BackendFigures;

use crate::checkpoint::Completed;
use crate::savepoints::SavepointOutcome;

/// Figures of one operator since the job started.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OperatorMetrics {
    pub id: String,
    pub name: String,
    pub rows_in: u64,
    pub rows_out: u64,
    /// Events that came after their window was closed.
    pub late: u64,
    /// Records that could not be decoded (skipped or sent to the dead-letter sink).
    pub bad: u64,
    /// Bytes read (sources) or written (sinks).
    pub bytes: u64,
    /// `None` where it keeps no state by key.
    pub state: Option<OperatorStateMetrics>,
}

/// Figures of the keyed state of one operator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OperatorStateMetrics {
    /// In memory, at the last barrier.
    pub memory_bytes: u64,
    pub memory_entries: u64,
    /// Entries read from the backend, and written to it.
    pub reads: u64,
    pub writes: u64,
}

/// One look at a running job.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobMetrics {
    /// In the order of the plan.
    pub operators: Vec<OperatorMetrics>,
    /// The least watermark over all slots, in ms since the epoch; `None` before the first.
    pub watermark_ms: Option<i64>,
    /// Share of the slots' time, 0 to 1, in which a full sink or exchange held them back since the last look.
    pub backpressured: f64,
    /// Share of the slots' time spent working since the last look.
    pub busy: f64,
    /// Positions committed so far: the number of completed barriers.
    pub commits: u64,
    /// `None` without checkpoints.
    pub checkpoints: Option<CheckpointMetrics>,
    /// The backends of all slots at the last barrier; `None` where there are none.
    pub backend: Option<BackendFigures>,
}

/// Figures of a job's checkpoints since it started; those called `last` are of the last one that was committed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckpointMetrics {
    pub completed: u64,
    pub failed: u64,
    pub last_id: Option<u64>,
    /// Milliseconds since the epoch.
    pub last_completed_at_ms: Option<u64>,
    /// From the barrier that has passed every slot to the commit.
    pub last_duration_ms: Option<u64>,
    /// From the request for the barrier until it had passed every slot.
    pub last_alignment_ms: Option<u64>,
    /// Of all its files, and of those that it added.
    pub last_bytes: Option<u64>,
    pub last_new_bytes: Option<u64>,
    /// The checkpoint that the job has gone on from.
    pub restored_from: Option<u64>,
    /// What differs between the state that was restored and the one before, in words.
    pub restored_changes: Vec<String>,
    /// Those that were written.
    pub savepoints: u64,
    /// What became of the last.
    pub last_savepoint: Option<SavepointOutcome>,
}

impl CheckpointMetrics {
    pub(crate) fn add(&mut self, completed: &Completed, alignment_ms: u64, now_ms: u64) {
        if !completed.is_committed {
            self.failed += 1;
        } else if let Some(checkpoint) = completed.checkpoint {
            self.completed += 1;
            self.last_id = Some(checkpoint);
            self.last_completed_at_ms = Some(now_ms);
            self.last_duration_ms = Some(completed.took_ms);
            self.last_alignment_ms = Some(alignment_ms);
            self.last_bytes = Some(completed.bytes);
            self.last_new_bytes = Some(completed.new_bytes);
        }
    }
}
