use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millrace_plan::HttpShard;

/// The shards that a sink spreads its rows over, each with its number, which no other shard of the sink ever has.
pub type LiveShards = Arc<[(usize, HttpShard)]>;

/// The shards that the host has given to sinks since the start, by the id of the sink.
#[derive(Default)]
pub struct Reshardings {
    shards: Mutex<HashMap<String, LiveShards>>,
    /// How often they have changed.
    changes: AtomicU64,
}

impl Reshardings {
    /// Gives a sink other shards, from its next batch on: at least one, or nothing changes.
    pub fn set(&self, sink: &str, shards: Vec<(usize, HttpShard)>) {
        if !shards.is_empty() {
            self.lock().insert(sink.to_owned(), shards.into());
            self.changes.fetch_add(1, Ordering::Release);
        }
    }

    /// The shards of a sink if any sink's have changed since it has `seen` so many changes.
    pub fn changed(&self, sink: &str, seen: &mut u64) -> Option<LiveShards> {
        let changes = self.changes.load(Ordering::Acquire);
        if changes == std::mem::replace(seen, changes) {
            return None;
        }
        self.lock().get(sink).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, LiveShards>> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
