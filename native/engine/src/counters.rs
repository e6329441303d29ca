//! Figures that a slot counts and any thread may read.

use std::sync::atomic::{AtomicU64, Ordering};

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

/// One operator of the plan in one slot.
#[derive(Debug, Default)]
pub struct OperatorCounters {
    pub rows_in: Counter,
    pub rows_out: Counter,
    pub late: Counter,
    pub bad: Counter,
    pub bytes: Counter,
    pub state: StateCounters,
}

/// How one slot spent its time, in microseconds.
#[derive(Debug, Default)]
pub struct SlotCounters {
    pub busy: Counter,
    pub backpressured: Counter,
    pub idle: Counter,
}
