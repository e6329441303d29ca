use std::sync::Arc;

use arrow::array::BooleanArray;

use super::route::routed;
use super::{RowKeys, ValueStore};
use crate::Result;
use crate::barrier::{BarrierReport, StateReport};
use crate::batch::{Batch, NO_WATERMARK};
use crate::environment::Environment;
use crate::operators::{Operator, Output};

/// Passes on the first row of each key. State: an empty value a key; cost: one look-up a row.
pub struct Deduplicate {
    operator: usize,
    keys: RowKeys,
    seen: ValueStore,
    state_lines: Arc<[String]>,
    environment: Arc<dyn Environment>,
}

impl Deduplicate {
    /// `operator` is its index in the plan; `state_lines` are [`Deduplicate::state_lines`].
    pub fn new(
        operator: usize,
        keys: RowKeys,
        seen: ValueStore,
        state_lines: Vec<String>,
        environment: Arc<dyn Environment>,
    ) -> Self {
        Deduplicate { operator, keys, seen, state_lines: state_lines.into(), environment }
    }

    /// What its stored state is called. The lines stand in manifests, so they never change.
    pub fn state_lines(keys: &RowKeys) -> Vec<String> {
        ["deduplicate".to_owned()].into_iter().chain(keys.lines()).collect()
    }
}

impl Operator for Deduplicate {
    fn on_batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        let (rows, hashes) = routed(&batch.rows)?;
        let keys = self.keys.encode(&self.keys.columns(&rows)?)?;
        let now_ms = self.environment.wall_clock_ms() as i64;
        let mut is_first = Vec::with_capacity(rows.num_rows());
        for (key, &hash) in keys.iter().zip(hashes.values()) {
            let is_known = self.seen.get(hash, key.as_ref(), now_ms)?.is_some();
            if !is_known {
                self.seen.set(hash, key.as_ref(), now_ms, Some(&[]));
            }
            is_first.push(!is_known);
        }
        self.seen.keep_to_budget()?;
        out.emit(batch.with_rows(rows).filter(&BooleanArray::from(is_first))?);
        Ok(())
    }

    fn on_barrier(&mut self, report: &mut BarrierReport, _out: &mut Output) -> Result<()> {
        self.seen.store()?;
        let state = self.state_lines.clone();
        report.states.push(StateReport { operator: self.operator, watermark: NO_WATERMARK, state });
        Ok(())
    }
}
