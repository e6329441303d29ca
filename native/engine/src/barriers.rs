//! Which barrier is on its way, and which have passed every slot.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use millrace_plan::Plan;
use parking_lot::Mutex;

use crate::barrier::{BarrierId, BarrierReport};
use crate::batch::{END_OF_TIME, Millis, NO_WATERMARK};
use crate::checkpoint::Completed;
use crate::savepoints::Wanted;
use crate::{Error, ErrorCode, Result};

/// The barriers of a job, as all slots see them.
pub struct Barriers {
    slots: usize,
    interval_ms: u64,
    min_pause_ms: u64,
    timeout_ms: u64,
    /// The last barrier that was asked for, the last that is complete, and the last whose positions may be committed.
    requested: AtomicU64,
    completed: AtomicU64,
    committed: AtomicU64,
    /// `BarrierId::MAX` until the last one is known.
    last: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    opened: usize,
    ended: usize,
    requested_at_ms: u64,
    passed_at_ms: u64,
    completed_at_ms: u64,
    /// Of the slots that have acknowledged, in their order.
    reports: BTreeMap<usize, BarrierReport>,
    /// The least watermark of each windowed aggregation at the last barrier that has passed every slot.
    emitted: BTreeMap<usize, Millis>,
    /// What the run before had emitted, by source.
    restored: BTreeMap<usize, Millis>,
    /// The checkpoint of the last barrier that is committed.
    checkpoint: Option<u64>,
    savepoints: Vec<Wanted>,
    /// The next barrier is due now.
    is_hurried: bool,
}

/// A barrier that has passed every slot.
pub struct Passed {
    pub barrier: BarrierId,
    pub is_last: bool,
    /// By slot.
    pub reports: Vec<BarrierReport>,
    /// What it is to be kept as, beside its checkpoint.
    pub savepoints: Vec<Wanted>,
}

impl Barriers {
    pub fn new(plan: &Plan, slots: usize) -> Self {
        let (interval_ms, min_pause_ms, timeout_ms) = match &plan.checkpoints {
            Some(checkpoints) => (checkpoints.interval_ms, checkpoints.min_pause_ms, checkpoints.timeout_ms),
            None => (plan.commit_interval_ms, 0, u64::MAX),
        };
        Barriers {
            slots,
            interval_ms,
            min_pause_ms,
            timeout_ms,
            requested: AtomicU64::new(0),
            completed: AtomicU64::new(0),
            committed: AtomicU64::new(0),
            last: AtomicU64::new(BarrierId::MAX),
            state: Mutex::default(),
        }
    }

    // ---- start and end: no slot runs before all know what the run before had emitted ----

    /// A slot has opened its sources; `restored` is what their committed positions say of emitted windows. True: it was
    /// the last.
    pub fn slot_opened(&self, restored: &[(usize, Millis)]) -> bool {
        let mut state = self.state.lock();
        for &(source, emitted) in restored {
            let known = state.restored.entry(source).or_insert(NO_WATERMARK);
            *known = emitted.max(*known);
        }
        state.opened += 1;
        state.opened == self.slots
    }

    /// What the run before had emitted of each source, once all slots have opened.
    pub fn restored(&self) -> Option<BTreeMap<usize, Millis>> {
        let state = self.state.lock();
        (state.opened == self.slots).then(|| state.restored.clone())
    }

    /// Every source of every slot has ended.
    pub fn all_slots_ended(&self) -> bool {
        self.state.lock().ended == self.slots
    }

    /// Every source of one slot has ended, and has said so downstream. True: it was the last.
    pub fn slot_ended(&self) -> bool {
        let mut state = self.state.lock();
        state.ended += 1;
        state.ended == self.slots
    }

    // ---- the way of a barrier ----

    /// The last barrier asked for, and whether this call asked for it: the next one is due after the interval, when all
    /// sources have ended, when somebody cannot wait for it, or when the job is to stop.
    pub fn requested(&self, is_stopping: bool, now_ms: u64) -> Result<(BarrierId, bool)> {
        let requested = self.requested.load(Ordering::Acquire);
        if requested == self.last() {
            return Ok((requested, false));
        }
        if requested > self.completed() {
            return self.check_timeout(requested, now_ms).map(|()| (requested, false));
        }
        let mut state = self.state.lock();
        let requested = self.requested.load(Ordering::Acquire);
        if requested > self.completed() || requested == self.last() {
            return Ok((requested, false));
        }
        let is_last = is_stopping || state.ended == self.slots;
        let is_wanted = state.is_hurried || !state.savepoints.is_empty();
        if !is_last && !is_wanted && now_ms < self.due_ms(&state) {
            return Ok((requested, false));
        }
        if is_last {
            self.last.store(requested + 1, Ordering::Release);
        }
        state.is_hurried = false;
        state.requested_at_ms = now_ms;
        state.reports.clear();
        self.requested.store(requested + 1, Ordering::Release);
        Ok((requested + 1, true))
    }

    fn due_ms(&self, state: &State) -> u64 {
        (state.requested_at_ms + self.interval_ms).max(state.completed_at_ms.saturating_add(self.min_pause_ms))
    }

    fn check_timeout(&self, barrier: BarrierId, now_ms: u64) -> Result<()> {
        if self.timeout_ms == u64::MAX || now_ms <= self.state.lock().requested_at_ms.saturating_add(self.timeout_ms) {
            return Ok(());
        }
        let message = format!(
            "checkpoint: barrier {barrier} has not become one within {} ms. Either rows take that long to get through the \
             job (see its backpressure), or the storage is slow: raise checkpoints.timeout, or give the job more slots.",
            self.timeout_ms
        );
        Err(Error::new(ErrorCode::State, message))
    }

    /// When the next barrier is due; `None` while one is on its way.
    pub fn next_ms(&self) -> Option<u64> {
        let under_way = self.requested.load(Ordering::Acquire) > self.completed();
        (!under_way).then(|| self.due_ms(&self.state.lock()))
    }

    /// The next barrier comes at once.
    pub fn hurry(&self) {
        self.state.lock().is_hurried = true;
    }

    /// The next barrier comes at once, and its checkpoint is kept as this savepoint, too.
    pub fn want_savepoint(&self, savepoint: Wanted) {
        self.state.lock().savepoints.push(savepoint);
    }

    /// No barrier comes any more: gives the savepoints that were to be of one.
    pub fn take_savepoints(&self) -> Vec<Wanted> {
        std::mem::take(&mut self.state.lock().savepoints)
    }

    /// The barrier has passed all operators of a slot. Gives what all have reported when it was the last slot.
    pub fn acknowledge(&self, slot: usize, barrier: BarrierId, report: BarrierReport, now_ms: u64) -> Option<Passed> {
        let mut state = self.state.lock();
        state.reports.insert(slot, report);
        if state.reports.len() < self.slots {
            return None;
        }
        state.passed_at_ms = now_ms;
        let reports: Vec<BarrierReport> = std::mem::take(&mut state.reports).into_values().collect();
        let mut emitted = BTreeMap::new();
        for state in reports.iter().flat_map(|report| &report.states) {
            let least = emitted.entry(state.operator).or_insert(END_OF_TIME);
            *least = state.watermark.min(*least);
        }
        state.emitted = emitted;
        let is_last = barrier == self.last();
        let savepoints = state.savepoints.extract_if(.., |savepoint| is_last || !savepoint.ends_job).collect();
        Some(Passed { barrier, is_last, reports, savepoints })
    }

    /// Gives the milliseconds that the barrier took to pass every slot.
    pub fn complete(&self, barrier: BarrierId, completed: &Completed, now_ms: u64) -> u64 {
        let mut state = self.state.lock();
        state.completed_at_ms = now_ms;
        if completed.is_committed {
            state.checkpoint = completed.checkpoint;
            self.committed.store(barrier, Ordering::Release);
        }
        self.completed.store(barrier, Ordering::Release);
        state.passed_at_ms.saturating_sub(state.requested_at_ms)
    }

    pub fn completed(&self) -> BarrierId {
        self.completed.load(Ordering::Acquire)
    }

    /// The last barrier whose positions and files may be committed, and its checkpoint.
    pub fn committed(&self) -> (BarrierId, Option<u64>) {
        let state = self.state.lock();
        (self.committed.load(Ordering::Acquire), state.checkpoint)
    }

    /// The barrier after which the slots finish; `BarrierId::MAX` while it is not known.
    pub fn last(&self) -> BarrierId {
        self.last.load(Ordering::Acquire)
    }

    /// By when all windows downstream of `source` have been emitted: the least watermark of `windows` at the last barrier
    /// that has passed every slot, or what the run before had emitted while these have not come so far again.
    pub fn emitted(&self, source: usize, windows: &[usize]) -> Millis {
        let state = self.state.lock();
        let restored = state.restored.get(&source).copied().unwrap_or(NO_WATERMARK);
        let watermark = |operator| state.emitted.get(operator).copied().unwrap_or(NO_WATERMARK);
        windows.iter().map(watermark).min().unwrap_or(NO_WATERMARK).max(restored)
    }
}

#[cfg(test)]
mod tests {
    use millrace_plan::{Checkpoints, Guarantee, StateBackend};

    use super::*;
    use crate::barrier::StateReport;

    fn barriers(slots: usize, interval_ms: u64, min_pause_ms: u64) -> Barriers {
        let checkpoints = Checkpoints {
            storage: "file:.".into(),
            interval_ms,
            min_pause_ms,
            timeout_ms: 1000,
            tolerable_failures: 1,
            retained: 1,
            backend: StateBackend::Filesystem,
            memory_budget_bytes: 0,
            directory: ".".into(),
        };
        let plan = Plan {
            name: "test".into(),
            parallelism: slots,
            max_parallelism: 128,
            commit_interval_ms: 1,
            guarantee: Guarantee::AtLeastOnce,
            checkpoints: Some(checkpoints),
            operators: Vec::new(),
        };
        Barriers::new(&plan, slots)
    }

    fn pass(barriers: &Barriers, slots: usize, barrier: BarrierId, now_ms: u64) -> Passed {
        let report = |slot: usize| {
            let window = StateReport { operator: 7, watermark: 100 + slot as i64, state: [].into() };
            BarrierReport { states: vec![window], ..BarrierReport::default() }
        };
        for slot in 0..slots - 1 {
            let passed = barriers.acknowledge(slot, barrier, report(slot), now_ms);
            assert!(passed.is_none(), "only the last slot completes a barrier");
        }
        barriers.acknowledge(slots - 1, barrier, report(slots - 1), now_ms).unwrap()
    }

    #[test]
    fn the_next_barrier_waits_for_the_interval_and_for_the_pause_after_the_last_one() {
        let barriers = barriers(1, 100, 80);
        assert_eq!(barriers.requested(false, 99).unwrap(), (0, false));
        assert_eq!(barriers.requested(false, 100).unwrap(), (1, true));
        assert_eq!(barriers.requested(false, 500).unwrap(), (1, false), "one at a time");
        pass(&barriers, 1, 1, 140);
        barriers.complete(1, &Completed::without_checkpoint(), 150);
        assert_eq!((barriers.requested(false, 229).unwrap().0, barriers.next_ms()), (1, Some(230)));
        assert_eq!(barriers.requested(false, 230).unwrap(), (2, true));
    }

    #[test]
    fn a_savepoint_does_not_wait_and_is_of_the_next_barrier_alone() {
        let barriers = barriers(1, 100, 0);
        barriers.want_savepoint(wanted(1, false));
        assert_eq!(barriers.requested(false, 1).unwrap(), (1, true));
        assert_eq!(pass(&barriers, 1, 1, 2).savepoints, [wanted(1, false)]);
        barriers.complete(1, &Completed::without_checkpoint(), 3);
        assert_eq!(barriers.requested(false, 4).unwrap(), (1, false));
    }

    #[test]
    fn a_savepoint_that_ends_the_job_is_of_the_last_barrier_and_not_of_one_on_its_way() {
        let barriers = barriers(1, 100, 0);
        barriers.requested(false, 100).unwrap();
        barriers.want_savepoint(wanted(1, true));
        barriers.want_savepoint(wanted(2, false));
        let passed = pass(&barriers, 1, 1, 101);
        assert_eq!((passed.is_last, passed.savepoints), (false, vec![wanted(2, false)]));
        barriers.complete(1, &Completed::without_checkpoint(), 102);
        assert_eq!(barriers.requested(true, 103).unwrap(), (2, true));
        let passed = pass(&barriers, 1, 2, 104);
        assert_eq!((passed.is_last, passed.savepoints), (true, vec![wanted(1, true)]));
    }

    fn wanted(number: u64, ends_job: bool) -> Wanted {
        Wanted { number, name: format!("s{number}"), ends_job }
    }

    #[test]
    fn a_barrier_that_takes_too_long_is_an_error_that_says_what_to_do() {
        let barriers = barriers(1, 100, 0);
        barriers.requested(false, 100).unwrap();
        assert!(barriers.requested(false, 1100).is_ok());
        let error = barriers.requested(false, 1101).unwrap_err().to_string();
        assert!(error.contains("barrier 1 has not become one within 1000 ms"), "{error}");
        assert!(error.contains("raise checkpoints.timeout"), "{error}");
    }

    #[test]
    fn what_failed_is_complete_and_not_committed() {
        let barriers = barriers(2, 100, 0);
        barriers.requested(false, 100).unwrap();
        pass(&barriers, 2, 1, 110);
        let failed = Completed { is_committed: false, ..Completed::without_checkpoint() };
        barriers.complete(1, &failed, 120);
        assert_eq!((barriers.completed(), barriers.committed().0), (1, 0));
        assert_eq!(barriers.emitted(0, &[7]), 100, "the least of the slots");
    }

    #[test]
    fn the_last_barrier_comes_when_the_job_is_to_stop() {
        let barriers = barriers(1, 100, 0);
        assert_eq!(barriers.requested(true, 1).unwrap(), (1, true));
        assert_eq!(barriers.last(), 1);
        assert!(pass(&barriers, 1, 1, 2).is_last);
        barriers.complete(1, &Completed::without_checkpoint(), 3);
        assert_eq!(barriers.requested(true, 4).unwrap(), (1, false));
    }
}
