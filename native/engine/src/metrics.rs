//! Figures of a running job, summed over its slots.

use millrace_state::BackendFigures;

use crate::checkpoint::Completed;
use crate::histogram::Durations;
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
    /// Nanoseconds that slots have spent in its own calls, without those of the operators downstream.
    pub busy_ns: u64,
    /// Milliseconds, over all slots, in which its full queue held them back.
    pub full_ms: u64,
    /// By slot: the rows that a source has read there, or that have come to any other operator. Behind an exchange that is
    /// the slot that owns the key.
    pub rows_by_slot: Vec<u64>,
    /// Of an exchange, or of a sink that has one.
    pub queue: Option<QueueMetrics>,
    pub exchange: Option<ExchangeMetrics>,
    pub source: Option<SourceMetrics>,
    /// Of a sink: from when the source was asked for rows to when what came of them was handed to the sink. What a window
    /// emits counts from the rows that brought its watermark.
    pub latency: Option<LatencyMetrics>,
    /// Of a sink: from the event time of a row, of a window its end, to when it was handed to the sink.
    pub event_latency: Option<LatencyMetrics>,
    /// `None` where it keeps no state by key.
    pub state: Option<OperatorStateMetrics>,
    /// Of a lookup join.
    pub lookups: Option<LookupMetrics>,
}

/// How full a queue is; 1 is its bound, which the last batch may overshoot.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct QueueMetrics {
    /// Of the fullest of its kind.
    pub now: f64,
    pub peak: f64,
}

/// What has crossed from slot to slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExchangeMetrics {
    pub rows: u64,
    /// As they are in memory.
    pub bytes: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceMetrics {
    /// Kafka partitions, files, or shares of a generator.
    pub partitions: u64,
    /// In ms since the epoch; `None` before the first, at the end, and without event time.
    pub watermark_ms: Option<i64>,
    /// How far the partition that is ahead of all others is ahead of the watermark.
    pub drift_ms: Option<u64>,
}

/// Durations of rows, in microseconds; all but `max_us` are up to an eighth too great.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LatencyMetrics {
    pub rows: u64,
    pub p50_us: u64,
    pub p90_us: u64,
    pub p99_us: u64,
    pub max_us: u64,
}

impl From<Durations> for LatencyMetrics {
    fn from(durations: Durations) -> Self {
        LatencyMetrics {
            rows: durations.count(),
            p50_us: durations.quantile_us(0.5),
            p90_us: durations.quantile_us(0.9),
            p99_us: durations.quantile_us(0.99),
            max_us: durations.max_us(),
        }
    }
}

/// How one slot has spent its time since the job started, in milliseconds, and on how much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SlotMetrics {
    pub busy_ms: u64,
    /// A full sink or exchange held it back, or after the end of its input a sink with what is not durable.
    pub backpressured_ms: u64,
    /// There was nothing to do.
    pub idle_ms: u64,
    /// Of all these, on a CPU: less than it was busy where threads are more than cores, or where a step waits. `None` where
    /// the system does not tell.
    pub cpu_ms: Option<u64>,
    /// Rows that its operators have read or were given.
    pub rows: u64,
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

/// What a lookup join has had to ask for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LookupMetrics {
    /// Rows whose key was known, null, or asked for already.
    pub hits: u64,
    /// Keys that were asked for.
    pub misses: u64,
}

/// One look at a running job.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobMetrics {
    /// In the order of the plan.
    pub operators: Vec<OperatorMetrics>,
    pub slots: Vec<SlotMetrics>,
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
