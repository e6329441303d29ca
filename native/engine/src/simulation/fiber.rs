//! Work that can be left standing in the middle: a thread that runs only while somebody waits for it.

use std::cell::RefCell;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

pub struct Fiber {
    resume: Sender<()>,
    paused: Receiver<()>,
    /// `None` after its end.
    thread: Option<JoinHandle<()>>,
}

thread_local! {
    static WITHIN: RefCell<Option<(Sender<()>, Receiver<()>)>> = const { RefCell::new(None) };
}

impl Fiber {
    /// It stands before its first step.
    pub fn new(work: impl FnOnce() + Send + 'static) -> Fiber {
        let (resume, resumed) = channel();
        let (pauses, paused) = channel();
        let thread = std::thread::spawn(move || {
            if resumed.recv().is_ok() {
                WITHIN.set(Some((pauses, resumed)));
                work();
            }
        });
        Fiber { resume, paused, thread: Some(thread) }
    }

    /// Runs until it pauses; false: it has come to its end.
    pub fn resume(&mut self) -> bool {
        if self.thread.is_none() {
            return false;
        }
        if self.resume.send(()).is_ok() && self.paused.recv().is_ok() {
            return true;
        }
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            resume_unwind(panic);
        }
        false
    }
}

/// Stands still until it is resumed; outside of a fiber it does nothing.
pub fn pause() {
    WITHIN.with_borrow(|within| {
        if let Some((pauses, resumed)) = within
            && pauses.send(()).is_ok()
        {
            let _ = resumed.recv();
        }
    });
}
