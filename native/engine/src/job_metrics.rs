//! Reads a job's figures off what its slots have counted.

use millrace_plan::{Operator, OperatorKind};
use millrace_state::BackendFigures;

use crate::batch::{END_OF_TIME, Millis, NO_WATERMARK};
use crate::counters::{OperatorCounters, SlotCounters};
use crate::histogram::{Durations, Histogram};
use crate::job::Job;
use crate::metrics::{
    CheckpointMetrics, JobMetrics, LatencyMetrics, LookupMetrics, OperatorMetrics, OperatorStateMetrics, QueueMetrics,
    SlotMetrics, SourceMetrics,
};

/// The time of all slots as of the last look, in microseconds.
#[derive(Default)]
pub struct LastLook {
    busy: u64,
    backpressured: u64,
    total: u64,
}

impl Job {
    /// Figures since the start; the shares of time are those since the last call.
    pub fn metrics(&self) -> JobMetrics {
        let operators: Vec<OperatorMetrics> =
            (0..self.plan.operators.len()).map(|index| self.operator_metrics(index)).collect();
        let slots = (0..self.parallelism()).map(|slot| self.slot_metrics(slot, &operators)).collect();
        let (busy, backpressured) = self.shares_since_last_look();
        let checkpoints = self.plan.checkpoints.is_some().then(|| {
            let savepoints = self.savepoints.lock();
            let (savepoints, last_savepoint) = (savepoints.written(), savepoints.last());
            CheckpointMetrics { savepoints, last_savepoint, ..self.checkpoint_metrics.lock().clone() }
        });
        let commits = self.barriers.committed().0;
        let backend = self.backends.lock().iter().flatten().copied().reduce(BackendFigures::plus);
        let watermark_ms = self.watermark();
        JobMetrics { operators, slots, watermark_ms, busy, backpressured, commits, checkpoints, backend }
    }

    fn operator_metrics(&self, index: usize) -> OperatorMetrics {
        let operator = &self.plan.operators[index];
        let counters = || self.counters.iter().map(|slot| slot[index].as_ref());
        let sum = |figure: fn(&OperatorCounters) -> u64| counters().map(figure).sum::<u64>();
        let latency = |histogram: fn(&OperatorCounters) -> &Histogram| {
            let mut durations = Durations::default();
            counters().for_each(|counters| durations.add(histogram(counters)));
            (durations.count() > 0).then(|| LatencyMetrics::from(durations))
        };
        OperatorMetrics {
            id: operator.id.clone(),
            name: operator.name.clone(),
            rows_in: sum(|c| c.rows_in.get()),
            rows_out: sum(|c| c.rows_out.get()),
            late: sum(|c| c.late.get()),
            bad: sum(|c| c.bad.get()),
            bytes: sum(|c| c.bytes.get()),
            busy_ns: sum(|c| c.busy_ns.get()),
            full_ms: sum(|c| c.full_us.get()) / 1000,
            rows_by_slot: self.rows_by_slot(index),
            queue: self.queue_metrics(index),
            exchange: self.exchanges.get(&index).map(|exchange| exchange.metrics()),
            source: self.source_metrics(index),
            latency: latency(|c| &c.latency),
            event_latency: latency(|c| &c.event_latency),
            state: operator.kind.keeps_state().then(|| OperatorStateMetrics {
                memory_bytes: sum(|c| c.state.memory_bytes.get()),
                memory_entries: sum(|c| c.state.memory_entries.get()),
                reads: sum(|c| c.state.reads.get()),
                writes: sum(|c| c.state.writes.get()),
            }),
            lookups: matches!(operator.kind, OperatorKind::LookupJoin(_)).then(|| LookupMetrics {
                hits: sum(|c| c.lookups.hits.get()),
                misses: sum(|c| c.lookups.misses.get()),
            }),
        }
    }

    fn rows_by_slot(&self, index: usize) -> Vec<u64> {
        if let Some(exchange) = self.exchanges.get(&index) {
            return exchange.rows_by_slot();
        }
        let is_source = matches!(self.plan.operators[index].kind, OperatorKind::Source(_));
        let rows = |c: &OperatorCounters| if is_source { c.rows_out.get() } else { c.rows_in.get() };
        self.counters.iter().map(|slot| rows(&slot[index])).collect()
    }

    fn queue_metrics(&self, index: usize) -> Option<QueueMetrics> {
        if let Some(exchange) = self.exchanges.get(&index) {
            return Some(exchange.queue_metrics());
        }
        let most = |fill: fn(&OperatorCounters) -> f64| {
            self.counters.iter().map(|slot| fill(&slot[index])).fold(0.0, f64::max)
        };
        let queue = QueueMetrics { now: most(|c| c.fill.now()), peak: most(|c| c.fill.peak()) };
        (queue.peak > 0.0).then_some(queue)
    }

    fn source_metrics(&self, index: usize) -> Option<SourceMetrics> {
        let OperatorKind::Source(source) = &self.plan.operators[index].kind else { return None };
        let partitions = self.counters.iter().map(|slot| slot[index].partitions.get()).sum();
        let watermark_ms = source.event_time.as_ref().and_then(|_| known(self.source_watermark(index)));
        let furthest = known(self.source_furthest(index));
        let ahead = |furthest: Millis, watermark: Millis| furthest.saturating_sub(watermark).max(0) as u64;
        let drift_ms = furthest.zip(watermark_ms).map(|(furthest, watermark)| ahead(furthest, watermark));
        Some(SourceMetrics { partitions, watermark_ms, drift_ms })
    }

    fn slot_metrics(&self, slot: usize, operators: &[OperatorMetrics]) -> SlotMetrics {
        let times = &self.times[slot];
        SlotMetrics {
            busy_ms: times.busy.get() / 1000,
            backpressured_ms: times.backpressured.get() / 1000,
            idle_ms: times.idle.get() / 1000,
            cpu_ms: self.environment.thread_cpu_ns().map(|_| times.on_cpu.get() / 1000),
            rows: operators.iter().enumerate().map(|(index, operator)| self.rows_of(slot, index, operator)).sum(),
        }
    }

    /// Rows that an operator was given in a slot: before its exchange and behind it.
    fn rows_of(&self, slot: usize, index: usize, operator: &OperatorMetrics) -> u64 {
        let before = operator.exchange.map_or(0, |_| self.counters[slot][index].rows_in.get());
        before + operator.rows_by_slot[slot]
    }

    fn watermark(&self) -> Option<Millis> {
        let has_time =
            |operator: &Operator| matches!(&operator.kind, OperatorKind::Source(source) if source.event_time.is_some());
        let sources = self.plan.operators.iter().enumerate().filter(|(_, operator)| has_time(operator));
        known(sources.map(|(index, _)| self.source_watermark(index)).min()?)
    }

    fn shares_since_last_look(&self) -> (f64, f64) {
        let sum = |figure: fn(&SlotCounters) -> u64| self.times.iter().map(figure).sum::<u64>();
        let (busy, backpressured, idle) =
            (sum(|t| t.busy.get()), sum(|t| t.backpressured.get()), sum(|t| t.idle.get()));
        let now = LastLook { busy, backpressured, total: busy + backpressured + idle };
        let mut last = self.last_look.lock();
        let total = (now.total - last.total).max(1) as f64;
        let shares = ((now.busy - last.busy) as f64 / total, (now.backpressured - last.backpressured) as f64 / total);
        *last = now;
        shares
    }
}

fn known(watermark: Millis) -> Option<Millis> {
    (watermark != NO_WATERMARK && watermark != END_OF_TIME).then_some(watermark)
}
