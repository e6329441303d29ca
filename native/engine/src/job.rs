//! What the slots of a job share: the plan, the exchanges, the barriers and the figures.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use millrace_io::Outboxes;
use millrace_plan::{Guarantee, HttpShard, OperatorKind, Plan};
use millrace_state::BackendFigures;
use parking_lot::Mutex;

use crate::barrier::{BarrierId, BarrierReport};
use crate::barriers::{Barriers, Passed};
use crate::batch::{Millis, NO_WATERMARK};
use crate::checkpoint::{CheckpointThread, Completed, Order, Prepared, Request, StartOptions};
use crate::counters::{OperatorCounters, SlotCounters};
use crate::environment::Environment;
use crate::exchange::{Distribution, Exchange};
use crate::job_metrics::LastLook;
use crate::live::Live;
use crate::metrics::CheckpointMetrics;
use crate::results_may_be_null::let_results_be_null;
use crate::savepoints::{SavepointState, Savepoints, Wanted, too_late};
use crate::wake::Wakers;
use crate::{Error, ErrorCode, Result};

/// One running job. Slots are opened on it, each on a thread of its own.
pub struct Job {
    pub(crate) plan: Arc<Plan>,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) wakers: Arc<Wakers>,
    /// By the index of the operator in the plan, of those that keep state.
    pub(crate) exchanges: BTreeMap<usize, Arc<Exchange>>,
    pub(crate) barriers: Barriers,
    /// `None` where a barrier is complete when it has passed every slot.
    pub(crate) checkpoints: Option<Arc<CheckpointThread>>,
    pub(crate) start: StartOptions,
    slots: usize,
    cancelled: AtomicBool,
    stopping: AtomicBool,
    /// What has ended the job, until a slot tells it.
    failure: Mutex<Option<Error>>,
    /// By slot, then by operator of the plan.
    progress: Vec<Vec<SourceProgress>>,
    pub(crate) counters: Vec<Vec<Arc<OperatorCounters>>>,
    pub(crate) times: Vec<SlotCounters>,
    pub(crate) checkpoint_metrics: Mutex<CheckpointMetrics>,
    /// By slot.
    pub(crate) backends: Mutex<Vec<Option<BackendFigures>>>,
    pub(crate) savepoints: Mutex<Savepoints>,
    pub(crate) last_look: Mutex<LastLook>,
}

/// How far the partitions of a source have come in one slot.
struct SourceProgress {
    /// The least watermark of the active ones.
    watermark: AtomicI64,
    furthest: AtomicI64,
}

impl Default for SourceProgress {
    fn default() -> Self {
        SourceProgress { watermark: AtomicI64::new(NO_WATERMARK), furthest: AtomicI64::new(NO_WATERMARK) }
    }
}

impl Job {
    /// `parallelism` goes before the plan's own; a plan without one gets a slot a core.
    pub fn new(plan: Plan, parallelism: Option<usize>, start: impl Into<StartOptions>) -> Result<Arc<Job>> {
        let job = Job::within(Arc::new(Live::new()), plan, parallelism, start.into())?;
        if let Some(thread) = &job.checkpoints {
            thread.start(&job)?;
        }
        Ok(job)
    }

    /// As [`Job::new`], in another environment, which is left to drive the checkpoints.
    pub(crate) fn within(
        environment: Arc<dyn Environment>,
        mut plan: Plan,
        parallelism: Option<usize>,
        start: StartOptions,
    ) -> Result<Arc<Job>> {
        let slots = match parallelism.unwrap_or(plan.parallelism) {
            0 => std::thread::available_parallelism().map_or(1, usize::from).min(plan.max_parallelism),
            slots => slots,
        };
        if slots > plan.max_parallelism {
            let max = plan.max_parallelism;
            let message =
                format!("parallelism {slots} is more than maxParallelism {max}: lower it or raise maxParallelism");
            return Err(Error::new(ErrorCode::Plan, message));
        }
        if plan.checkpoints.is_some() {
            let_results_be_null(&mut plan);
        }
        let wakers = Arc::new(Wakers::new(slots));
        let exchange = |kind: &OperatorKind| {
            let is_broadcast = matches!(kind, OperatorKind::BroadcastJoin(_));
            let distribution = if is_broadcast { Distribution::EverySlot } else { Distribution::ByKey };
            Arc::new(Exchange::new(slots, plan.max_parallelism, distribution, wakers.clone()))
        };
        let with_state = plan.operators.iter().enumerate().filter(|(_, o)| o.kind.keeps_state());
        let exchanges = with_state.map(|(index, o)| (index, exchange(&o.kind))).collect();
        let operators = plan.operators.len();
        let needs_thread = plan.checkpoints.is_some() || plan.guarantee == Guarantee::ExactlyOnce;
        Ok(Arc::new(Job {
            environment,
            exchanges,
            slots,
            cancelled: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            failure: Mutex::default(),
            barriers: Barriers::new(&plan, slots),
            checkpoints: needs_thread.then(|| Arc::new(CheckpointThread::new())),
            start,
            progress: (0..slots).map(|_| (0..operators).map(|_| SourceProgress::default()).collect()).collect(),
            counters: (0..slots).map(|_| (0..operators).map(|_| Arc::default()).collect()).collect(),
            times: (0..slots).map(|_| SlotCounters::default()).collect(),
            checkpoint_metrics: Mutex::default(),
            backends: Mutex::new(vec![None; slots]),
            savepoints: Mutex::default(),
            last_look: Mutex::default(),
            plan: Arc::new(plan),
            wakers,
        }))
    }

    pub fn parallelism(&self) -> usize {
        self.slots
    }

    /// Where requests wait for the host.
    pub fn outboxes(&self) -> Option<Arc<Outboxes>> {
        self.environment.outboxes()
    }

    /// Spreads the rows of an HTTP sink over other shards, each with its number, from its next batch on.
    pub fn reshard(&self, sink: &str, shards: Vec<(usize, HttpShard)>) {
        if let Some(outboxes) = self.outboxes() {
            outboxes.reshardings.set(sink, shards);
            self.wakers.wake_all();
        }
    }

    /// Ends the job in order: sources stop, what was read is emitted and made durable, positions are committed.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wakers.wake_all();
    }

    /// Ends the job at once: nothing is flushed or committed.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        if let Some(thread) = &self.checkpoints {
            thread.end();
        }
        self.wakers.wake_all();
    }

    /// As [`Job::cancel`], because of an error that no slot has met; the first slot to look tells it.
    pub(crate) fn fail(&self, error: Error) {
        self.failure.lock().get_or_insert(error);
        self.cancel();
    }

    pub(crate) fn take_failure(&self) -> Option<Error> {
        self.failure.lock().take()
    }

    /// Writes a savepoint at the next barrier, which comes at once. With `ends_job` it is the last, and the job ends as by
    /// [`Job::stop`]. Gives the number that [`Job::savepoint_state`] goes by.
    pub fn savepoint(&self, name: &str, ends_job: bool) -> Result<u64> {
        let Some(thread) = self.checkpoints.as_ref().filter(|_| self.plan.checkpoints.is_some()) else {
            let message = "a savepoint needs checkpoints: give the job a storage for them";
            return Err(Error::new(ErrorCode::State, message));
        };
        let wanted = self.savepoints.lock().ask(name, ends_job);
        if !thread.order(Order::Savepoint(wanted.clone())) {
            self.note_savepoints(vec![too_late(&wanted)]);
        }
        Ok(wanted.number)
    }

    /// There can be such a savepoint.
    pub(crate) fn want_savepoint(&self, wanted: Wanted) {
        let ends_job = wanted.ends_job;
        self.barriers.want_savepoint(wanted);
        if ends_job {
            self.stop();
        }
        self.wakers.wake_all();
    }

    /// No barrier comes any more.
    pub(crate) fn end_savepoints(&self) {
        if let Some(thread) = &self.checkpoints {
            thread.end();
        }
        self.note_savepoints(self.barriers.take_savepoints().iter().map(too_late).collect());
    }

    /// `None`: none has this number.
    pub fn savepoint_state(&self, number: u64) -> Option<SavepointState> {
        self.savepoints.lock().state(number)
    }

    pub(crate) fn note_savepoints(&self, states: Vec<(u64, SavepointState)>) {
        let mut savepoints = self.savepoints.lock();
        states.into_iter().for_each(|(number, state)| savepoints.set(number, state));
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Milliseconds since the job was made, by a clock that never jumps.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        self.environment.elapsed_ms()
    }

    /// As [`Job::elapsed_ms`], in nanoseconds.
    pub(crate) fn elapsed_ns(&self) -> u64 {
        self.environment.elapsed_ns()
    }

    /// What the run before has left, and how outputs become visible. Waits until that is known.
    pub(crate) fn prepared(&self) -> Result<Arc<Prepared>> {
        match &self.checkpoints {
            Some(thread) => thread.prepared(),
            None => Prepared::without_checkpoints(self.environment.as_ref()).map(Arc::new),
        }
    }

    pub(crate) fn restored_from(&self, checkpoint: Option<u64>) {
        self.checkpoint_metrics.lock().restored_from = checkpoint;
    }

    pub(crate) fn note_backend(&self, slot: usize, figures: BackendFigures) {
        self.backends.lock()[slot] = Some(figures);
    }

    /// A step goes on with state that was not quite its own.
    pub(crate) fn note_restored(&self, change: String) {
        let changes = &mut self.checkpoint_metrics.lock().restored_changes;
        if !changes.contains(&change) {
            changes.push(change);
        }
    }

    // ---- barriers ----

    /// A slot has opened its sources; `restored` is what their committed positions say of emitted windows.
    pub(crate) fn slot_opened(&self, restored: &[(usize, Millis)]) {
        if self.barriers.slot_opened(restored) {
            self.wakers.wake_all();
        }
    }

    /// Every source of one slot has ended, and has said so downstream.
    pub(crate) fn slot_ended(&self) {
        if self.barriers.slot_ended() {
            self.wakers.wake_all();
        }
    }

    /// The last barrier asked for; asks for the next one when it is due.
    pub(crate) fn requested_barrier(&self, now_ms: u64) -> Result<BarrierId> {
        let (barrier, is_new) = self.barriers.requested(self.is_stopping(), now_ms)?;
        if is_new {
            self.wakers.wake_all();
        }
        Ok(barrier)
    }

    /// The barrier has passed all operators of one slot.
    pub(crate) fn acknowledge(&self, slot: usize, barrier: BarrierId, report: BarrierReport) {
        let Some(passed) = self.barriers.acknowledge(slot, barrier, report, self.elapsed_ms()) else { return };
        let Passed { barrier, is_last, reports, savepoints } = passed;
        match &self.checkpoints {
            None => self.barrier_completed(barrier, Completed::without_checkpoint()),
            Some(thread) => {
                let writing = savepoints.iter().map(|savepoint| (savepoint.number, SavepointState::Writing));
                self.note_savepoints(writing.collect());
                let request =
                    Request { barrier, is_last, reports, savepoints, now_ms: self.environment.wall_clock_ms() };
                // The thread ends early only with the job: nobody waits for the outcome then.
                thread.order(Order::Complete(request));
            }
        }
    }

    pub(crate) fn barrier_completed(&self, barrier: BarrierId, mut completed: Completed) {
        self.note_savepoints(std::mem::take(&mut completed.savepoints));
        let alignment_ms = self.barriers.complete(barrier, &completed, self.elapsed_ms());
        self.checkpoint_metrics.lock().add(&completed, alignment_ms, self.environment.wall_clock_ms());
        self.wakers.wake_all();
    }

    // ---- alignment of partitions ----

    /// Tells the others the least watermark of a source's active partitions in this slot; `END_OF_TIME` when it has none.
    pub(crate) fn set_source_watermark(&self, slot: usize, operator: usize, watermark: Millis) {
        self.progress[slot][operator].watermark.store(watermark, Ordering::Relaxed);
    }

    /// As [`Job::set_source_watermark`], of the partition that is ahead of all others; `NO_WATERMARK` when none has events.
    pub(crate) fn set_source_furthest(&self, slot: usize, operator: usize, reached: Millis) {
        self.progress[slot][operator].furthest.store(reached, Ordering::Relaxed);
    }

    /// The least watermark of a source's active partitions over all slots.
    pub(crate) fn source_watermark(&self, operator: usize) -> Millis {
        let watermarks = self.progress.iter().map(|slot| slot[operator].watermark.load(Ordering::Relaxed));
        watermarks.min().unwrap_or(NO_WATERMARK)
    }

    /// How far the partition is that is ahead of all others, over all slots.
    pub(crate) fn source_furthest(&self, operator: usize) -> Millis {
        let furthest = self.progress.iter().map(|slot| slot[operator].furthest.load(Ordering::Relaxed));
        furthest.max().unwrap_or(NO_WATERMARK)
    }
}
