//! Threads that do one thing after the other for a sink or a source, which goes on meanwhile.

use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::{Error, Result, Waker};

/// Orders, and what became of them.
pub struct Worker<O, D> {
    who: &'static str,
    orders: Sender<O>,
    done: Receiver<D>,
    /// Orders whose outcome has not been taken.
    pub waiting: usize,
}

impl<O: Send + 'static, D: Send + 'static> Worker<O, D> {
    /// `wake` is called after each order. The threads end after the worker has gone, each with the order that it is at.
    pub fn start(
        who: &'static str,
        threads: usize,
        wake: Option<Waker>,
        carry_out: impl Fn(O) -> D + Send + Sync + 'static,
    ) -> Result<Self> {
        let (orders, given) = channel();
        let (outcomes, done) = channel();
        let (given, carry_out) = (Arc::new(Mutex::new(given)), Arc::new(carry_out));
        for _ in 0..threads {
            let (given, outcomes, wake, carry_out) = (given.clone(), outcomes.clone(), wake.clone(), carry_out.clone());
            let work = move || {
                loop {
                    // One waits for the next order, the others for that one.
                    let order = given.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(order) = order else { return };
                    if outcomes.send(carry_out(order)).is_err() {
                        return;
                    }
                    if let Some(wake) = &wake {
                        wake();
                    }
                }
            };
            let started = thread::Builder::new().name("millrace-objects".into()).spawn(work);
            started.map_err(|error| {
                Error(format!("{who}: no thread could be started: {error}. Raise the limit of threads."))
            })?;
        }
        Ok(Worker { who, orders, done, waiting: 0 })
    }

    pub fn order(&mut self, order: O) {
        self.waiting += 1;
        // That the thread has gone comes out when its outcome is asked for.
        let _ = self.orders.send(order);
    }

    /// What has been done; by one thread, in the order in which it was asked for.
    pub fn take(&mut self) -> Result<Option<D>> {
        match self.done.try_recv() {
            Ok(done) => {
                self.waiting -= 1;
                Ok(Some(done))
            }
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => {
                Err(Error(format!("{}: its thread has ended. This is a bug of Millrace: please report it.", self.who)))
            }
        }
    }
}
