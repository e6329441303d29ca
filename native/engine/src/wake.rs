//! Naps: a slot without work sleeps until somebody has some for it.

use std::time::Duration;

use crossbeam_utils::sync::{Parker, Unparker};
use parking_lot::Mutex;

/// Wakes slots by their number, from any thread. A slot that is woken while it works does not nap the next time.
#[derive(Debug)]
pub struct Wakers {
    unparkers: Vec<Unparker>,
    parkers: Mutex<Vec<Option<Parker>>>,
}

impl Wakers {
    pub fn new(slots: usize) -> Self {
        let parkers: Vec<Parker> = (0..slots).map(|_| Parker::new()).collect();
        Wakers {
            unparkers: parkers.iter().map(|parker| parker.unparker().clone()).collect(),
            parkers: Mutex::new(parkers.into_iter().map(Some).collect()),
        }
    }

    pub fn wake(&self, slot: usize) {
        if let Some(unparker) = self.unparkers.get(slot) {
            unparker.unpark();
        }
    }

    pub fn wake_all(&self) {
        self.unparkers.iter().for_each(Unparker::unpark);
    }

    /// The bed of one slot; it is given once.
    pub fn bed(&self, slot: usize) -> Option<Bed> {
        self.parkers.lock().get_mut(slot)?.take().map(Bed)
    }
}

#[derive(Debug)]
pub struct Bed(Parker);

impl Bed {
    pub fn nap(&self, at_most: Duration) {
        self.0.park_timeout(at_most);
    }
}
