use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;

use super::pane::Pane;
use super::panes::PaneId;
use super::plan::WindowPlan;
use crate::Result;
use crate::barrier::BarrierReport;
use crate::batch::{Batch, EventTimes, Millis, NO_WATERMARK, internal};
use crate::counters::OperatorCounters;
use crate::operators::{Operator, Output, Progress};
use crate::watermarks::Watermark;

/// Rows in a batch of results.
const OUTPUT_ROWS: usize = 8192;

/// The far half of a windowed aggregation: merges the partial results of the keys that this slot owns, and emits each
/// window when the watermark passes its end. State: a table a pane.
///
/// Overlapping windows are made from shared panes: a pane that is over is kept as partial results, and each window over
/// it merges them.
pub struct WindowAggregate {
    plan: Rc<WindowPlan>,
    panes: BTreeMap<PaneId, State>,
    /// Ends of the windows that have something to emit.
    due: BTreeSet<Millis>,
    /// Results that are still to be emitted: a window's keys and values, and its end.
    results: VecDeque<Results>,
    watermark: Millis,
    counters: Arc<OperatorCounters>,
}

enum State {
    Open(Pane),
    /// Over, and shared by several windows.
    Frozen(RecordBatch),
}

struct Results {
    end: Millis,
    keys: Vec<ArrayRef>,
    values: Vec<ArrayRef>,
    /// Rows that have been emitted.
    emitted: usize,
}

impl WindowAggregate {
    pub fn new(plan: Rc<WindowPlan>, counters: Arc<OperatorCounters>) -> Self {
        WindowAggregate {
            plan,
            panes: BTreeMap::new(),
            due: BTreeSet::new(),
            results: VecDeque::new(),
            watermark: NO_WATERMARK,
            counters,
        }
    }

    fn merge(&mut self, id: PaneId, partial: &RecordBatch) -> Result<()> {
        if !self.panes.contains_key(&id) {
            self.panes.insert(id, State::Open(Pane::new(&self.plan)?));
            self.due.extend(self.plan.panes.ends(id).filter(|&end| end > self.watermark));
        }
        match self.panes.get_mut(&id) {
            Some(State::Open(pane)) => merge_into(pane, &self.plan, partial),
            Some(State::Frozen(known)) => {
                let schema = known.schema();
                *known = arrow::compute::concat_batches(&schema, [&*known, partial]).map_err(internal)?;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Works out the results of the window that ends at `end`.
    fn close(&mut self, end: Millis) -> Result<()> {
        let panes = self.plan.panes;
        let inside =
            PaneId { start: end - panes.size(), from: NO_WATERMARK }..PaneId { start: end, from: NO_WATERMARK };
        let counts = |id: &PaneId| id.from <= end;
        let ids: Vec<PaneId> = self.panes.range(inside).map(|(id, _)| *id).filter(counts).collect();
        let closed = if panes.is_tumbling() { self.close_single(&ids)? } else { self.close_shared(&ids, end)? };
        if let Some(closed) = closed.filter(|_| !self.plan.was_emitted(end)) {
            let (keys, values) = closed.into_values(&self.plan)?;
            self.results.push_back(Results { end, keys, values, emitted: 0 });
        }
        Ok(())
    }

    /// A tumbling window is its only pane.
    fn close_single(&mut self, ids: &[PaneId]) -> Result<Option<Pane>> {
        match ids.first().and_then(|id| self.panes.remove(id)) {
            Some(State::Open(pane)) => Ok(Some(pane)),
            Some(State::Frozen(_)) => Err(internal("a tumbling window has no shared panes")),
            None => Ok(None),
        }
    }

    fn close_shared(&mut self, ids: &[PaneId], end: Millis) -> Result<Option<Pane>> {
        let mut window = None;
        for id in ids {
            let partial = match self.panes.remove(id) {
                Some(State::Open(pane)) => pane.into_partial(&self.plan)?,
                Some(State::Frozen(partial)) => partial,
                None => continue,
            };
            let window = match &mut window {
                Some(window) => window,
                none => none.insert(Pane::new(&self.plan)?),
            };
            merge_into(window, &self.plan, &partial)?;
            if self.plan.panes.last_end(id.start) > end {
                self.panes.insert(*id, State::Frozen(partial));
            }
        }
        Ok(window)
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
        let pane = batch.pane.ok_or_else(|| internal("a partial result without its pane"))?;
        if self.plan.panes.last_end(pane.start) > self.watermark {
            return self.merge(pane, &batch.rows);
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

    fn on_barrier(&mut self, report: &mut BarrierReport) -> Result<()> {
        report.window(self.plan.operator, self.watermark);
        Ok(())
    }
}

fn merge_into(pane: &mut Pane, plan: &WindowPlan, partial: &RecordBatch) -> Result<()> {
    let (keys, states) = plan.take_apart(partial);
    pane.merge(&plan.codec.encode(&keys)?, partial.num_rows(), &states)
}
