use std::sync::Arc;

use super::SharedTable;
use crate::Result;
use crate::barrier::{BarrierReport, StateReport};
use crate::batch::{Batch, NO_WATERMARK};
use crate::counters::OperatorCounters;
use crate::operators::{Operator, Output};

/// The side of a join that is broadcast: puts rows into the table of its slot. Nothing leaves it.
pub struct UpdateTable {
    operator: usize,
    table: SharedTable,
    counters: Arc<OperatorCounters>,
}

impl UpdateTable {
    /// `operator` is the index of the join in the plan.
    pub fn new(operator: usize, table: SharedTable, counters: Arc<OperatorCounters>) -> Self {
        UpdateTable { operator, table, counters }
    }
}

impl Operator for UpdateTable {
    fn on_batch(&mut self, batch: Batch, _out: &mut Output) -> Result<()> {
        self.table.borrow_mut().update(&batch.rows)
    }

    fn on_barrier(&mut self, report: &mut BarrierReport, _out: &mut Output) -> Result<()> {
        let mut table = self.table.borrow_mut();
        let figures = &self.counters.state;
        figures.writes.add(table.store()? as u64);
        figures.memory_bytes.set(table.bytes() as u64);
        figures.memory_entries.set(table.len() as u64);
        let state = table.lines();
        report.states.push(StateReport { operator: self.operator, watermark: NO_WATERMARK, state });
        Ok(())
    }
}
