//! What the slots of a job share: the plan, the exchanges, the barriers and the figures.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use millrace_plan::{OperatorKind, Plan};
use parking_lot::Mutex;

use crate::barrier::{BarrierId, BarrierReport};
use crate::batch::{END_OF_TIME, Millis, NO_WATERMARK};
use crate::counters::{OperatorCounters, SlotCounters};
use crate::exchange::Exchange;
use crate::metrics::{JobMetrics, OperatorMetrics};
use crate::wake::Wakers;
use crate::{Error, ErrorCode, Result};

/// One running job. Slots are opened on it, each on a thread of its own.
pub struct Job {
    pub(crate) plan: Plan,
    pub(crate) wakers: Arc<Wakers>,
    /// By the index of the windowed aggregation in the plan.
    pub(crate) exchanges: BTreeMap<usize, Arc<Exchange>>,
    slots: usize,
    started: Instant,
    cancelled: AtomicBool,
    stopping: AtomicBool,
    barriers: Mutex<Barriers>,
    /// The last barrier that was asked for, and the last that has passed every slot.
    requested: AtomicU64,
    completed: AtomicU64,
    /// `BarrierId::MAX` until the last one is known.
    last: AtomicU64,
    /// By slot, then by operator of the plan: the least watermark of a source's partitions there.
    source_watermarks: Vec<Vec<AtomicI64>>,
    pub(crate) counters: Vec<Vec<Arc<OperatorCounters>>>,
    pub(crate) times: Vec<SlotCounters>,
    last_look: Mutex<Look>,
}

#[derive(Default)]
struct Barriers {
    opened: usize,
    ended: usize,
    acknowledged: usize,
    requested_at_ms: u64,
    /// The least watermark of each windowed aggregation over the slots that have acknowledged.
    windows: BTreeMap<usize, Millis>,
    /// The same at the last completed barrier.
    emitted: BTreeMap<usize, Millis>,
    /// What the run before had emitted, by source.
    restored: BTreeMap<usize, Millis>,
}

#[derive(Default)]
struct Look {
    busy: u64,
    backpressured: u64,
    total: u64,
}

impl Job {
    /// `parallelism` goes before the plan's own; a plan without one gets a slot a core.
    pub fn new(plan: Plan, parallelism: Option<usize>) -> Result<Arc<Job>> {
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
        let wakers = Arc::new(Wakers::new(slots));
        let exchange = || Arc::new(Exchange::new(slots, plan.max_parallelism, wakers.clone()));
        let windowed =
            plan.operators.iter().enumerate().filter(|(_, o)| matches!(o.kind, OperatorKind::WindowAggregate(_)));
        let exchanges = windowed.map(|(index, _)| (index, exchange())).collect();
        let operators = plan.operators.len();
        Ok(Arc::new(Job {
            exchanges,
            slots,
            started: Instant::now(),
            cancelled: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            barriers: Mutex::default(),
            requested: AtomicU64::new(0),
            completed: AtomicU64::new(0),
            last: AtomicU64::new(BarrierId::MAX),
            source_watermarks: (0..slots)
                .map(|_| (0..operators).map(|_| AtomicI64::new(NO_WATERMARK)).collect())
                .collect(),
            counters: (0..slots).map(|_| (0..operators).map(|_| Arc::default()).collect()).collect(),
            times: (0..slots).map(|_| SlotCounters::default()).collect(),
            last_look: Mutex::default(),
            plan,
            wakers,
        }))
    }

    pub fn parallelism(&self) -> usize {
        self.slots
    }

    /// Ends the job in order: sources stop, what was read is emitted and made durable, positions are committed.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wakers.wake_all();
    }

    /// Ends the job at once: nothing is flushed or committed.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.wakers.wake_all();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Milliseconds since the job was made, by a clock that never jumps.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    // ---- start: no slot runs before all know what the run before had emitted ----

    /// A slot has opened its sources; `restored` is what their committed positions say of emitted windows.
    pub(crate) fn slot_opened(&self, restored: &[(usize, Millis)]) {
        let mut barriers = self.barriers.lock();
        for &(source, emitted) in restored {
            let known = barriers.restored.entry(source).or_insert(NO_WATERMARK);
            *known = emitted.max(*known);
        }
        barriers.opened += 1;
        if barriers.opened == self.slots {
            self.wakers.wake_all();
        }
    }

    /// What the run before had emitted of each source, once all slots have opened.
    pub(crate) fn restored(&self) -> Option<BTreeMap<usize, Millis>> {
        let barriers = self.barriers.lock();
        (barriers.opened == self.slots).then(|| barriers.restored.clone())
    }

    // ---- barriers ----

    /// The last barrier asked for. Asks for the next one when it is due: after the commit interval, when all sources
    /// have ended, or when the job is to stop.
    pub(crate) fn requested_barrier(&self, now_ms: u64) -> BarrierId {
        let requested = self.requested.load(Ordering::Acquire);
        if requested > self.completed_barrier() || requested == self.last_barrier() {
            return requested;
        }
        let mut barriers = self.barriers.lock();
        let requested = self.requested.load(Ordering::Acquire);
        if requested > self.completed_barrier() || requested == self.last_barrier() {
            return requested;
        }
        let is_last = self.is_stopping() || barriers.ended == self.slots;
        if !is_last && now_ms < barriers.requested_at_ms + self.plan.commit_interval_ms {
            return requested;
        }
        if is_last {
            self.last.store(requested + 1, Ordering::Release);
        }
        barriers.requested_at_ms = now_ms;
        barriers.acknowledged = 0;
        barriers.windows.clear();
        self.requested.store(requested + 1, Ordering::Release);
        self.wakers.wake_all();
        requested + 1
    }

    /// When the next barrier is due, by [`Job::elapsed_ms`]; `None` while one is on its way.
    pub(crate) fn next_barrier_ms(&self) -> Option<u64> {
        let under_way = self.requested.load(Ordering::Acquire) > self.completed_barrier();
        (!under_way).then(|| self.barriers.lock().requested_at_ms + self.plan.commit_interval_ms)
    }

    pub(crate) fn completed_barrier(&self) -> BarrierId {
        self.completed.load(Ordering::Acquire)
    }

    /// The barrier after which the slots finish; `BarrierId::MAX` while it is not known.
    pub(crate) fn last_barrier(&self) -> BarrierId {
        self.last.load(Ordering::Acquire)
    }

    /// Every source of one slot has ended, and has said so downstream.
    pub(crate) fn slot_ended(&self) {
        let mut barriers = self.barriers.lock();
        barriers.ended += 1;
        if barriers.ended == self.slots {
            self.wakers.wake_all();
        }
    }

    /// The barrier has passed all operators of one slot and everything before it is durable.
    pub(crate) fn acknowledge(&self, barrier: BarrierId, report: &BarrierReport) {
        let mut barriers = self.barriers.lock();
        for &(operator, watermark) in &report.windows {
            let least = barriers.windows.entry(operator).or_insert(END_OF_TIME);
            *least = watermark.min(*least);
        }
        barriers.acknowledged += 1;
        if barriers.acknowledged == self.slots {
            barriers.emitted = std::mem::take(&mut barriers.windows);
            self.completed.store(barrier, Ordering::Release);
            self.wakers.wake_all();
        }
    }

    /// By when all windows downstream of `source` have been emitted: the least watermark of `windows` at the last
    /// completed barrier, or what the run before had emitted while these have not come so far again.
    pub(crate) fn emitted(&self, source: usize, windows: &[usize]) -> Millis {
        let barriers = self.barriers.lock();
        let restored = barriers.restored.get(&source).copied().unwrap_or(NO_WATERMARK);
        let watermark = |operator| barriers.emitted.get(operator).copied().unwrap_or(NO_WATERMARK);
        windows.iter().map(watermark).min().unwrap_or(NO_WATERMARK).max(restored)
    }

    // ---- alignment of partitions ----

    /// Tells the others the least watermark of a source's active partitions in this slot; `END_OF_TIME` when it has none.
    pub(crate) fn set_source_watermark(&self, slot: usize, operator: usize, watermark: Millis) {
        self.source_watermarks[slot][operator].store(watermark, Ordering::Relaxed);
    }

    /// The least watermark of a source's active partitions over all slots.
    pub(crate) fn source_watermark(&self, operator: usize) -> Millis {
        let watermarks = self.source_watermarks.iter().map(|slot| slot[operator].load(Ordering::Relaxed));
        watermarks.min().unwrap_or(NO_WATERMARK)
    }

    // ---- figures ----

    /// Figures since the start; the shares of time are those since the last call.
    pub fn metrics(&self) -> JobMetrics {
        let operators = self.plan.operators.iter().enumerate().map(|(index, operator)| {
            let sum =
                |figure: fn(&OperatorCounters) -> u64| self.counters.iter().map(|slot| figure(&slot[index])).sum();
            OperatorMetrics {
                id: operator.id.clone(),
                name: operator.name.clone(),
                rows_in: sum(|c| c.rows_in.get()),
                rows_out: sum(|c| c.rows_out.get()),
                late: sum(|c| c.late.get()),
                bad: sum(|c| c.bad.get()),
                bytes: sum(|c| c.bytes.get()),
            }
        });
        let operators = operators.collect();
        let (busy, backpressured) = self.shares_since_last_look();
        JobMetrics { operators, watermark_ms: self.watermark(), busy, backpressured, commits: self.completed_barrier() }
    }

    fn watermark(&self) -> Option<Millis> {
        let sources = self.plan.operators.iter().enumerate().filter(|(_, operator)| match &operator.kind {
            OperatorKind::Source(source) => source.event_time.is_some(),
            _ => false,
        });
        let watermark = sources.map(|(index, _)| self.source_watermark(index)).min()?;
        (watermark != NO_WATERMARK && watermark != END_OF_TIME).then_some(watermark)
    }

    fn shares_since_last_look(&self) -> (f64, f64) {
        let sum = |figure: fn(&SlotCounters) -> u64| self.times.iter().map(figure).sum::<u64>();
        let (busy, backpressured, idle) =
            (sum(|t| t.busy.get()), sum(|t| t.backpressured.get()), sum(|t| t.idle.get()));
        let now = Look { busy, backpressured, total: busy + backpressured + idle };
        let mut last = self.last_look.lock();
        let total = (now.total - last.total).max(1) as f64;
        let shares = ((now.busy - last.busy) as f64 / total, (now.backpressured - last.backpressured) as f64 / total);
        *last = now;
        shares
    }
}

/// Milliseconds since the epoch.
pub(crate) fn wall_clock_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
