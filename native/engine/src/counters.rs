//! Figures that a slot counts and any thread may read.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::histogram::Histogram;

/// Counts up; read without order, as figures are only looked at.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Says how much there is; read as counters are.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    pub fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How full a queue is, in thousandths of its bound, now and at its fullest.
#[derive(Debug, Default)]
pub struct FillGauge {
    now: AtomicU64,
    peak: AtomicU64,
}

impl FillGauge {
    /// `share` is 1 at the bound.
    pub fn set(&self, share: f64) {
        let thousandths = (share * 1000.0) as u64;
        self.now.store(thousandths, Ordering::Relaxed);
        self.peak.fetch_max(thousandths, Ordering::Relaxed);
    }

    pub fn now(&self) -> f64 {
        self.now.load(Ordering::Relaxed) as f64 / 1000.0
    }

    pub fn peak(&self) -> f64 {
        self.peak.load(Ordering::Relaxed) as f64 / 1000.0
    }
}

/// The keyed state of one operator in one slot.
#[derive(Debug, Default)]
pub struct StateCounters {
    /// In memory when the last barrier passed.
    pub memory_bytes: Gauge,
    pub memory_entries: Gauge,
    /// Entries read from the backend, and written to it.
    pub reads: Counter,
    pub writes: Counter,
}

/// The lookups of one operator in one slot.
#[derive(Debug, Default)]
pub struct LookupCounters {
    /// Rows whose key was known, null, or asked for already.
    pub hits: Counter,
    /// Keys that were asked for.
    pub misses: Counter,
}

/// One operator of the plan in one slot.
#[derive(Debug, Default)]
pub struct OperatorCounters {
    pub rows_in: Counter,
    pub rows_out: Counter,
    pub late: Counter,
    pub bad: Counter,
    pub bytes: Counter,
    /// Nanoseconds in its own calls, without those of the operators downstream.
    pub busy_ns: Counter,
    /// Microseconds in which its full queue held the slot back.
    pub full_us: Counter,
    /// Of a sink's own queue.
    pub fill: FillGauge,
    /// Splits of a source.
    pub partitions: Gauge,
    /// Of a sink: from when rows were read to when what came of them was handed to it, a row each.
    pub latency: Histogram,
    /// Of a sink: how far the event time of what it was handed was behind the clock, a row each.
    pub event_latency: Histogram,
    pub state: StateCounters,
    pub lookups: LookupCounters,
}

/// How one slot spent its time, in microseconds.
#[derive(Debug, Default)]
pub struct SlotCounters {
    pub busy: Counter,
    pub backpressured: Counter,
    pub idle: Counter,
    /// Of all these, on a CPU; 0 where that is not known.
    pub on_cpu: Counter,
}
