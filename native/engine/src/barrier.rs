//! What the operators of a slot report when a barrier has passed them.

use std::sync::Arc;

use millrace_io::StagedFile;
use millrace_state::{Position, SlotFiles};

use crate::batch::Millis;

/// Numbered from 1.
pub type BarrierId = u64;

/// Collected while one barrier goes through one slot.
#[derive(Debug, Default)]
pub struct BarrierReport {
    pub states: Vec<StateReport>,
    pub sources: Vec<SourceReport>,
    /// Files that sinks have written and not shown, by operator of the plan.
    pub staged: Vec<(usize, Vec<StagedFile>)>,
    /// The state that the slot's backend holds.
    pub files: Option<SlotFiles>,
}

/// The keyed state of an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateReport {
    /// Its index in the plan.
    pub operator: usize,
    /// Windows that end by this have been emitted; `NO_WATERMARK` where there are none.
    pub watermark: Millis,
    /// What its stored state is called.
    pub state: Arc<[String]>,
}

/// Where the partitions of a source go on behind the barrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceReport {
    /// Its index in the plan.
    pub operator: usize,
    pub positions: Vec<Position>,
}
