//! What a slot holds of one pane.

use arrow::array::RecordBatch;

use super::pane::Pane;
use super::plan::WindowPlan;
use crate::Result;

/// Partial results of one pane. What comes is merged into `open`; `parts` are not changed any more.
#[derive(Default)]
pub struct PaneState {
    open: Option<Pane>,
    parts: Vec<RecordBatch>,
    /// Leading parts that the store has too.
    stored_parts: usize,
    /// The store has something of the pane.
    pub is_stored: bool,
    /// What the store has is not in memory.
    pub is_spilled: bool,
}

impl PaneState {
    /// A pane of which everything is in the store.
    pub fn stored() -> Self {
        PaneState { is_stored: true, is_spilled: true, ..PaneState::default() }
    }

    pub fn merge(&mut self, partial: &RecordBatch, plan: &WindowPlan) -> Result<()> {
        let open = match &mut self.open {
            Some(open) => open,
            none => none.insert(Pane::new(plan)?),
        };
        merge_into(open, plan, partial)
    }

    /// What the store lacks; from now on it has it.
    pub fn take_fresh(&mut self, plan: &WindowPlan) -> Result<Option<RecordBatch>> {
        self.freeze(plan)?;
        let fresh = match &self.parts[self.stored_parts..] {
            [] => return Ok(None),
            [only] => only.clone(),
            several => merged(several, plan)?.into_partial(plan)?,
        };
        self.is_stored = true;
        if self.is_spilled {
            self.parts.clear();
        }
        self.stored_parts = self.parts.len();
        self.compact(plan)?;
        Ok(Some(fresh))
    }

    /// Leaves the memory to others; the store has everything.
    pub fn spill(&mut self) {
        debug_assert!(self.open.is_none() && self.stored_parts == self.parts.len());
        self.parts.clear();
        self.stored_parts = 0;
        self.is_spilled = true;
    }

    /// All that is in memory, as one table; nothing is left there.
    pub fn into_whole(mut self, plan: &WindowPlan) -> Result<Pane> {
        if self.parts.is_empty() {
            return self.open.take().map_or_else(|| Pane::new(plan), Ok);
        }
        self.freeze(plan)?;
        merged(&self.parts, plan)
    }

    /// Merges all that is in memory into a window; it stays.
    pub fn add_to(&mut self, window: &mut Pane, plan: &WindowPlan) -> Result<()> {
        self.freeze(plan)?;
        self.parts.iter().try_for_each(|part| merge_into(window, plan, part))
    }

    fn freeze(&mut self, plan: &WindowPlan) -> Result<()> {
        if let Some(open) = self.open.take() {
            self.parts.push(open.into_partial(plan)?);
            self.compact(plan)?;
        }
        Ok(())
    }

    /// Merges parts once the keys that several of them have make up more than half of the rows. Those that the store has
    /// and those that it lacks stay apart.
    fn compact(&mut self, plan: &WindowPlan) -> Result<()> {
        let all_alike = self.stored_parts == 0 || self.stored_parts == self.parts.len();
        let rows = self.parts.iter().map(RecordBatch::num_rows);
        let (total, largest) = (rows.clone().sum::<usize>(), rows.max().unwrap_or(0));
        if all_alike && total > 2 * largest {
            self.parts = vec![merged(&self.parts, plan)?.into_partial(plan)?];
            self.stored_parts = self.stored_parts.min(1);
        }
        Ok(())
    }

    /// Entries in memory; a key may have several.
    pub fn entries(&self) -> usize {
        self.parts.iter().map(RecordBatch::num_rows).sum::<usize>() + self.open.as_ref().map_or(0, Pane::groups)
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        let parts: usize = self.parts.iter().map(RecordBatch::get_array_memory_size).sum();
        parts + self.open.as_ref().map_or(0, Pane::bytes)
    }
}

/// Parts in the order in which they came: first and last go by arrival where times are equal.
fn merged(parts: &[RecordBatch], plan: &WindowPlan) -> Result<Pane> {
    let mut whole = Pane::new(plan)?;
    parts.iter().try_for_each(|part| merge_into(&mut whole, plan, part))?;
    Ok(whole)
}

fn merge_into(pane: &mut Pane, plan: &WindowPlan, partial: &RecordBatch) -> Result<()> {
    let (keys, states) = plan.take_apart(partial);
    pane.merge(&plan.codec.encode(&keys)?, partial.num_rows(), &states)
}
