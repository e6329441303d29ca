//! Figures of a running job, summed over its slots.

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
}
