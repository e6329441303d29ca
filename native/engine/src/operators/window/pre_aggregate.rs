use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{ArrayRef, UInt32Array};
use arrow::compute::take;

use super::pane::Pane;
use super::panes::PaneId;
use super::plan::WindowPlan;
use crate::Result;
use crate::barrier::BarrierReport;
use crate::batch::{Batch, END_OF_TIME, EventTimes, Millis, NO_WATERMARK, internal};
use crate::counters::OperatorCounters;
use crate::operators::{Operator, Output, Progress};
use crate::watermarks::Watermark;

/// So many groups are sent on before their pane is over: a bound on memory when keys hardly repeat.
const MAX_GROUPS: usize = 1 << 20;

/// So many are sent on already when hardly a row has found the group of an earlier one, as it is with more than some
/// 500,000 keys: waiting for more would take memory and save nothing.
const MAX_SINGLE_GROUPS: usize = 1 << 16;

/// One row in so many.
const HARDLY: usize = 16;

/// The near half of a windowed aggregation: adds up the rows that this slot reads, pane by pane, and sends a pane on
/// when no row of it can follow. State: a table a pane; cost: one look-up a row.
///
/// An event is late when its own partition has passed the end of all its windows; it is counted and dropped.
pub struct PreAggregate {
    plan: Rc<WindowPlan>,
    panes: BTreeMap<PaneId, Pane>,
    /// That were added since there was no pane.
    rows: usize,
    watermark: Millis,
    /// The far half keeps the state: nothing may be here when a barrier passes.
    empties_at_barriers: bool,
    counters: Arc<OperatorCounters>,
}

/// Which pane the rows of a batch belong to.
enum Assignment {
    /// All to this one.
    Single(PaneId),
    /// Row numbers by pane; late rows are in none.
    Several(Vec<(PaneId, Vec<u32>)>),
}

impl PreAggregate {
    pub fn new(plan: Rc<WindowPlan>, empties_at_barriers: bool, counters: Arc<OperatorCounters>) -> Self {
        PreAggregate { plan, panes: BTreeMap::new(), rows: 0, watermark: NO_WATERMARK, empties_at_barriers, counters }
    }

    fn assign(&self, times: &EventTimes) -> Assignment {
        let (event, reached) = (times.event.values(), times.reached.values());
        let panes = &self.plan.panes;
        let first = event.first().map_or(0, |&time| panes.start_of(time));
        let in_first = |time: Millis| time >= first && time - first < panes.length();
        let in_time = panes.first_end(first);
        let single = event.iter().zip(reached).all(|(&time, &reached)| in_first(time) && reached < in_time);
        if single && !self.plan.was_emitted(panes.last_end(first)) {
            return Assignment::Single(PaneId { start: first, from: in_time });
        }
        Assignment::Several(self.assign_each(event, reached))
    }

    fn assign_each(&self, event: &[Millis], reached: &[Millis]) -> Vec<(PaneId, Vec<u32>)> {
        let panes = &self.plan.panes;
        let mut assigned: Vec<(PaneId, Vec<u32>)> = Vec::new();
        let mut late = 0;
        for (row, (&time, &reached)) in event.iter().zip(reached).enumerate() {
            let start = panes.start_of(time);
            match panes.assign(start, reached) {
                // The run before has counted it, or dropped it.
                _ if self.plan.was_emitted(panes.last_end(start)) => {}
                None => late += 1,
                // The pane of the row before is most often this row's too.
                Some(pane) => match assigned.iter_mut().rev().find(|(known, _)| *known == pane) {
                    Some((_, rows)) => rows.push(row as u32),
                    None => assigned.push((pane, vec![row as u32])),
                },
            }
        }
        self.counters.late.add(late);
        assigned
    }

    fn update(&mut self, pane: PaneId, keys: &[ArrayRef], arguments: &[Vec<ArrayRef>], rows: usize) -> Result<()> {
        let table = match self.panes.entry(pane) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => free.insert(Pane::new(&self.plan)?),
        };
        self.rows += rows;
        table.update(&self.plan.codec.encode(keys)?, rows, arguments)
    }

    fn is_full(&self) -> bool {
        let groups: usize = self.panes.values().map(Pane::groups).sum();
        groups >= MAX_GROUPS || (groups >= MAX_SINGLE_GROUPS && self.rows.saturating_sub(groups) < groups / HARDLY)
    }

    /// Sends on the panes whose first window ends by `time`.
    fn send_until(&mut self, time: Millis, out: &mut Output) -> Result<()> {
        // Panes are in the order of their start, not quite that of their first window.
        let over: Vec<PaneId> = self.panes.keys().copied().filter(|pane| pane.from <= time).collect();
        for pane in over {
            if let Some(groups) = self.panes.remove(&pane) {
                let rows = groups.into_partial(&self.plan)?;
                out.emit(Batch { rows, times: None, pane: Some(pane) });
            }
        }
        if self.panes.is_empty() {
            self.rows = 0;
        }
        Ok(())
    }
}

impl Operator for PreAggregate {
    fn on_batch(&mut self, batch: Batch, out: &mut Output) -> Result<()> {
        let times = batch.times.as_ref().ok_or_else(|| internal("rows without event time came to a window"))?;
        let assignment = self.assign(times);
        let keys = self.plan.keys_of(&batch.rows)?;
        let arguments = self.plan.arguments_of(&batch.rows, &times.event)?;
        match assignment {
            Assignment::Single(pane) => self.update(pane, &keys, &arguments, batch.len())?,
            Assignment::Several(panes) => {
                for (pane, rows) in panes {
                    let rows = UInt32Array::from(rows);
                    let arguments =
                        arguments.iter().map(|columns| take_all(columns, &rows)).collect::<Result<Vec<_>>>()?;
                    self.update(pane, &take_all(&keys, &rows)?, &arguments, rows.len())?;
                }
            }
        }
        // A partition that is behind the watermark was idle: other slots may still be waiting, so its rows may not.
        self.send_until(self.watermark, out)?;
        if self.is_full() {
            self.send_until(END_OF_TIME, out)?;
        }
        Ok(())
    }

    fn on_watermark(&mut self, watermark: Watermark, out: &mut Output) -> Result<Progress> {
        self.watermark = self.watermark.max(watermark.time);
        // An idle slot holds nobody back, so nothing may wait in it.
        self.send_until(if watermark.idle { END_OF_TIME } else { self.watermark }, out)?;
        Ok(Progress::Done)
    }

    fn on_barrier(&mut self, _report: &mut BarrierReport, out: &mut Output) -> Result<()> {
        if self.empties_at_barriers { self.send_until(END_OF_TIME, out) } else { Ok(()) }
    }
}

fn take_all(columns: &[ArrayRef], rows: &UInt32Array) -> Result<Vec<ArrayRef>> {
    columns.iter().map(|column| take(column, rows, None).map_err(internal)).collect()
}
