//! What the operators of a slot report when a barrier has passed them.

use crate::batch::Millis;

/// Numbered from 1.
pub type BarrierId = u64;

/// Collected while one barrier goes through one slot.
#[derive(Debug, Clone, Default)]
pub struct BarrierReport {
    /// The operator of the plan and the watermark of its windows: all that end by then have been emitted.
    pub windows: Vec<(usize, Millis)>,
}

impl BarrierReport {
    pub fn window(&mut self, operator: usize, watermark: Millis) {
        self.windows.push((operator, watermark));
    }
}
