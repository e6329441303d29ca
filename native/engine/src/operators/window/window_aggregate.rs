use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::Int64Type;

use super::pane::Pane;
use super::pane_state::PaneState;
use super::pane_store::PaneStore;
use super::panes::PaneId;
use super::plan::WindowPlan;
use crate::Result;
use crate::barrier::{BarrierReport, StateReport};
use crate::batch::{Batch, EventTimes, Millis, NO_WATERMARK, internal};
use crate::counters::OperatorCounters;
use crate::operators::{Operator, Output, Progress};
use crate::watermarks::Watermark;

/// Rows in a batch of results.
const OUTPUT_ROWS: usize = 8192;

/// The far half of a windowed aggregation: merges the partial results of the keys that this slot owns, and emits each
/// window when the watermark passes its end. State: a table a pane, in memory and, with checkpoints, in the store too.
///
/// Overlapping windows are made from shared panes: each window over a pane merges what the pane has.
pub struct WindowAggregate {
    plan: Rc<WindowPlan>,
    store: Option<PaneStore>,
    /// Bytes of panes over which they leave the memory; 0: they never do.
    memory_budget: usize,
    panes: BTreeMap<PaneId, PaneState>,
    /// Ends of the windows that have something to emit.
    due: BTreeSet<Millis>,
    /// A window that is read back from the store.
    closing: Option<Closing>,
    /// Results that are still to be emitted: a window's keys and values, and its end.
    results: VecDeque<Results>,
    watermark: Millis,
    counters: Arc<OperatorCounters>,
}

/// A window of which a key group at a time is read back.
struct Closing {
    end: Millis,
    panes: Vec<PaneId>,
    next_group: u32,
}

struct Results {
    end: Millis,
    keys: Vec<ArrayRef>,
    values: Vec<ArrayRef>,
    /// Rows that have been emitted.
    emitted: usize,
}

impl WindowAggregate {
    /// `watermark` is what the windows in the store have come to.
    pub fn new(
        plan: Rc<WindowPlan>,
        store: Option<PaneStore>,
        memory_budget: usize,
        watermark: Millis,
        counters: Arc<OperatorCounters>,
    ) -> Result<Self> {
        let mut windows = WindowAggregate {
            plan,
            store,
            memory_budget,
            panes: BTreeMap::new(),
            due: BTreeSet::new(),
            closing: None,
            results: VecDeque::new(),
            watermark,
            counters,
        };
        for id in windows.store.as_ref().map(PaneStore::panes).transpose()?.unwrap_or_default() {
            windows.open(id, PaneState::stored());
        }
        Ok(windows)
    }

    fn open(&mut self, id: PaneId, state: PaneState) {
        self.panes.insert(id, state);
        self.due.extend(self.plan.panes.ends(id).filter(|&end| end > self.watermark));
    }

    /// Starts on the window that ends at `end`.
    fn close(&mut self, end: Millis) -> Result<()> {
        let panes = self.plan.panes;
        let inside =
            PaneId { start: end - panes.size(), from: NO_WATERMARK }..PaneId { start: end, from: NO_WATERMARK };
        let ids: Vec<PaneId> = self.panes.range(inside).map(|(id, _)| *id).filter(|id| id.from <= end).collect();
        let is_spilled = |id: &PaneId| self.panes.get(id).is_some_and(|pane| pane.is_spilled);
        if self.plan.was_emitted(end) {
            return self.leave(&ids, end);
        }
        if ids.iter().any(is_spilled) {
            self.store_fresh(&ids)?;
            let first = self.store.as_ref().map_or(0, |store| store.groups().start);
            self.closing = Some(Closing { end, panes: ids, next_group: first });
            return Ok(());
        }
        let window = match ids.as_slice() {
            [] => return Ok(()),
            // A tumbling window is its only pane.
            [only] if panes.is_tumbling() => match self.forget(*only)? {
                Some(pane) => pane.into_whole(&self.plan)?,
                None => return Ok(()),
            },
            several => {
                let mut window = Pane::new(&self.plan)?;
                for id in several {
                    if let Some(pane) = self.panes.get_mut(id) {
                        pane.add_to(&mut window, &self.plan)?;
                    }
                }
                window
            }
        };
        self.add_results(window, end)?;
        self.leave(&ids, end)
    }

    /// Reads the next key group of the window that is closing.
    fn close_next(&mut self, mut closing: Closing) -> Result<()> {
        let Some(store) = &self.store else { return Err(internal("a window is read back without a store")) };
        let mut window = Pane::new(&self.plan)?;
        for pane in &closing.panes {
            let read = store.load(*pane, closing.next_group, &self.plan, &mut window)?;
            self.counters.state.reads.add(read);
        }
        closing.next_group += 1;
        let is_last = closing.next_group >= store.groups().end;
        self.add_results(window, closing.end)?;
        if is_last {
            return self.leave(&closing.panes, closing.end);
        }
        self.closing = Some(closing);
        Ok(())
    }

    fn add_results(&mut self, window: Pane, end: Millis) -> Result<()> {
        if window.groups() > 0 {
            let (keys, values) = window.into_values(&self.plan)?;
            self.results.push_back(Results { end, keys, values, emitted: 0 });
        }
        Ok(())
    }

    /// Forgets the panes that are in no window after the one that ends at `end`.
    fn leave(&mut self, ids: &[PaneId], end: Millis) -> Result<()> {
        let panes = self.plan.panes;
        ids.iter().filter(|id| panes.last_end(id.start) <= end).try_for_each(|id| self.forget(*id).map(drop))
    }

    fn forget(&mut self, id: PaneId) -> Result<Option<PaneState>> {
        let pane = self.panes.remove(&id);
        if let Some(store) = self.store.as_mut().filter(|_| pane.as_ref().is_some_and(|pane| pane.is_stored)) {
            store.forget(id)?;
        }
        Ok(pane)
    }

    /// Gives the store what it lacks of panes, which stand in their order.
    fn store_fresh(&mut self, ids: &[PaneId]) -> Result<()> {
        let Some(store) = &mut self.store else { return Ok(()) };
        let mut fresh = Vec::new();
        for id in ids {
            let partial = self.panes.get_mut(id).map(|pane| pane.take_fresh(&self.plan)).transpose()?;
            fresh.extend(partial.flatten().map(|partial| (*id, partial)));
        }
        self.counters.state.writes.add(fresh.iter().map(|(_, partial)| partial.num_rows() as u64).sum());
        store.append(&fresh, &self.plan)
    }

    /// Panes leave the memory, the largest first, until half of the budget is free.
    fn keep_to_budget(&mut self) -> Result<()> {
        if self.memory_budget == 0 || self.store.is_none() {
            return Ok(());
        }
        let mut sizes: Vec<(usize, PaneId)> = self.panes.iter().map(|(id, pane)| (pane.bytes(), *id)).collect();
        let mut total: usize = sizes.iter().map(|(bytes, _)| bytes).sum();
        if total <= self.memory_budget {
            return Ok(());
        }
        sizes.sort_unstable();
        let mut leaving = Vec::new();
        while let Some((bytes, id)) = sizes.pop_if(|_| total > self.memory_budget / 2) {
            total -= bytes;
            leaving.push(id);
        }
        leaving.sort_unstable();
        self.store_fresh(&leaving)?;
        for id in &leaving {
            if let Some(pane) = self.panes.get_mut(id) {
                pane.spill();
            }
        }
        Ok(())
    }

    /// Emits one batch of what is still to be emitted.
    fn emit(&mut self, out: &mut Output) -> Result<()> {
        let Some(results) = self.results.front_mut() else { return Ok(()) };
        let total = results.keys.first().map_or(0, |key| key.len());
        let rows = OUTPUT_ROWS.min(total - results.emitted);
        let slice = |column: &ArrayRef| column.slice(results.emitted, rows);
        let keys = results.keys.iter().map(slice).collect();
        let values = results.values.iter().map(slice).collect();
        let rows = self.plan.output(keys, results.end, values)?;
        let times = EventTimes {
            event: Int64Array::from_value(results.end - 1, rows.num_rows()),
            reached: Int64Array::from_value(NO_WATERMARK, rows.num_rows()),
        };
        results.emitted += rows.num_rows();
        if results.emitted == total {
            self.results.pop_front();
        }
        out.emit(Batch { rows, times: Some(times), pane: None });
        Ok(())
    }
}

impl Operator for WindowAggregate {
    fn on_batch(&mut self, batch: Batch, _out: &mut Output) -> Result<()> {
        let id = batch.pane.ok_or_else(|| internal("a partial result without its pane"))?;
        if self.plan.panes.last_end(id.start) > self.watermark {
            if !self.panes.contains_key(&id) {
                self.open(id, PaneState::default());
            }
            if let Some(pane) = self.panes.get_mut(&id) {
                pane.merge(&batch.rows, &self.plan)?;
            }
            return self.keep_to_budget();
        }
        // A partition that was idle has come back behind the others.
        let (_, states) = self.plan.take_apart(&batch.rows);
        let counts = states[self.plan.count].first().and_then(|count| count.as_primitive_opt::<Int64Type>());
        self.counters.late.add(counts.map_or(0, |counts| counts.values().iter().sum::<i64>() as u64));
        Ok(())
    }

    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Progress> {
        self.watermark = self.watermark.max(watermark.time);
        while self.results.is_empty() {
            if let Some(closing) = self.closing.take() {
                self.close_next(closing)?;
                continue;
            }
            match self.due.first().copied().filter(|&end| end <= self.watermark) {
                None => return Ok(Progress::Done),
                Some(end) => {
                    self.due.remove(&end);
                    self.close(end)?;
                }
            }
        }
        self.emit(out)?;
        Ok(Progress::More)
    }

    fn on_barrier(&mut self, report: &mut BarrierReport, _out: &mut Output) -> Result<()> {
        let ids: Vec<PaneId> = self.panes.keys().copied().collect();
        self.store_fresh(&ids)?;
        let state = &self.counters.state;
        state.memory_bytes.set(self.panes.values().map(|pane| pane.bytes() as u64).sum());
        state.memory_entries.set(self.panes.values().map(|pane| pane.entries() as u64).sum());
        report.states.push(StateReport {
            operator: self.plan.operator,
            watermark: self.watermark,
            state: self.plan.state_lines.clone(),
        });
        Ok(())
    }
}
