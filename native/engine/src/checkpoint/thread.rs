use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};

use parking_lot::{Condvar, Mutex};

use super::coordinator::{Coordinator, Request, failed};
use super::prepare::{Prepared, prepare};
use crate::Result;
use crate::batch::internal;
use crate::job::Job;
use crate::savepoints::{SavepointState, Wanted, too_late};

/// What the thread is told.
pub enum Order {
    /// A barrier has passed every slot. [`Job::barrier_completed`] tells when it is complete.
    Complete(Request),
    /// A savepoint is wanted. [`Job::want_savepoint`] goes on with it if there can be one.
    Savepoint(Wanted),
}

/// The thread on which checkpoints are prepared and completed, as storage and transactions take their time.
pub struct CheckpointThread {
    prepared: Mutex<Option<Result<Arc<Prepared>>>>,
    ready: Condvar,
    /// `None` after the end.
    orders: Mutex<Option<Sender<Order>>>,
    inbox: Mutex<Option<Receiver<Order>>>,
    is_running: Mutex<bool>,
    ended: Condvar,
}

/// Tells that the thread has ended, in whatever way.
struct Running(Arc<CheckpointThread>);

impl Drop for Running {
    fn drop(&mut self) {
        *self.0.is_running.lock() = false;
        self.0.ended.notify_all();
    }
}

impl CheckpointThread {
    /// [`CheckpointThread::start`] starts it.
    pub fn new() -> Self {
        let (orders, inbox) = channel();
        let (orders, inbox) = (Mutex::new(Some(orders)), Mutex::new(Some(inbox)));
        CheckpointThread {
            prepared: Mutex::new(None),
            ready: Condvar::new(),
            orders,
            inbox,
            is_running: Mutex::new(false),
            ended: Condvar::new(),
        }
    }

    /// Starts the thread. It ends with the job.
    pub fn start(self: &Arc<Self>, job: &Arc<Job>) -> Result<()> {
        let Some(inbox) = self.inbox.lock().take() else { return Ok(()) };
        let (thread, job) = (self.clone(), Arc::downgrade(job));
        *self.is_running.lock() = true;
        let work = move || {
            let _running = Running(thread);
            let prepared = job.upgrade().and_then(|job| prepare_job(&job));
            if let Some(coordinator) = prepared {
                serve(coordinator, &job, &inbox);
            }
        };
        std::thread::Builder::new().name("millrace-checkpoints".into()).spawn(work).map_err(internal)?;
        Ok(())
    }

    /// Waits for what the slots need to be opened.
    pub fn prepared(&self) -> Result<Arc<Prepared>> {
        let mut prepared = self.prepared.lock();
        loop {
            if let Some(prepared) = &*prepared {
                return prepared.clone();
            }
            self.ready.wait(&mut prepared);
        }
    }

    /// False: the thread ends, or has ended, and so does the job.
    pub fn order(&self, order: Order) -> bool {
        self.orders.lock().as_ref().is_some_and(|orders| orders.send(order).is_ok())
    }

    /// Ends the thread when it has done what it is doing.
    pub fn end(&self) {
        self.orders.lock().take();
    }

    /// Waits until the thread has ended: another run of the job would meet what it is still writing.
    pub fn wait_for_end(&self) {
        let mut is_running = self.is_running.lock();
        while *is_running {
            self.ended.wait(&mut is_running);
        }
    }
}

/// What the simulation drives checkpoints with, instead of a thread.
#[cfg(test)]
impl CheckpointThread {
    /// [`CheckpointThread::prepared`] does not wait.
    pub fn is_prepared(&self) -> bool {
        self.prepared.lock().is_some()
    }

    /// What it is told next, if anything.
    pub fn next_order(&self) -> Option<Order> {
        self.inbox.lock().as_ref()?.try_recv().ok()
    }
}

/// Finds what the slots need to be opened, and tells them; `None`: it failed.
pub fn prepare_job(job: &Job) -> Option<Coordinator> {
    let outcome = prepare(job.environment.as_ref(), &job.plan, job.parallelism(), &job.start);
    let (coordinator, prepared) = match outcome {
        Ok((coordinator, prepared)) => {
            job.restored_from(prepared.recovered.checkpoint());
            (Some(coordinator), Ok(Arc::new(prepared)))
        }
        Err(error) => (None, Err(error)),
    };
    if let Some(thread) = &job.checkpoints {
        *thread.prepared.lock() = Some(prepared);
        thread.ready.notify_all();
    }
    coordinator
}

fn serve(mut coordinator: Coordinator, job: &Weak<Job>, inbox: &Receiver<Order>) {
    while let Ok(order) = inbox.recv() {
        let Some(job) = job.upgrade() else { return };
        if obey(&mut coordinator, &job, order).is_break() {
            break;
        }
    }
    let Some(job) = job.upgrade() else { return };
    // What is still asked for has come too late.
    job.end_savepoints();
    for order in inbox.try_iter() {
        if let Order::Savepoint(wanted) = order {
            job.note_savepoints(vec![too_late(&wanted)]);
        }
    }
}

/// Does what is asked for; `Break`: nothing follows.
pub fn obey(coordinator: &mut Coordinator, job: &Job, order: Order) -> ControlFlow<()> {
    let request = match order {
        Order::Complete(request) => request,
        Order::Savepoint(wanted) => {
            // A name that is taken is told of before the job ends for it.
            match coordinator.check_savepoint(&wanted.name) {
                Ok(()) => job.want_savepoint(wanted),
                Err(error) => job.note_savepoints(vec![(wanted.number, SavepointState::Failed(error.message))]),
            }
            return ControlFlow::Continue(());
        }
    };
    let (barrier, is_last, savepoints) = (request.barrier, request.is_last, request.savepoints.clone());
    match coordinator.complete(request, || job.wakers.wake_all()) {
        Ok(completed) => job.barrier_completed(barrier, completed),
        Err(error) => {
            job.note_savepoints(failed(&savepoints, &error));
            job.fail(error);
            return ControlFlow::Break(());
        }
    }
    if is_last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}
