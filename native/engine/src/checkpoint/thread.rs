use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};

use parking_lot::{Condvar, Mutex};

use super::coordinator::{Coordinator, Request};
use super::prepare::{Prepared, prepare};
use crate::Result;
use crate::batch::internal;
use crate::job::{Job, wall_clock_ms};

/// The thread on which checkpoints are prepared and completed, as storage and transactions take their time.
pub struct CheckpointThread {
    prepared: Mutex<Option<Result<Arc<Prepared>>>>,
    ready: Condvar,
    /// `None` after the end.
    requests: Mutex<Option<Sender<Request>>>,
    inbox: Mutex<Option<Receiver<Request>>>,
}

impl CheckpointThread {
    /// [`CheckpointThread::start`] starts it.
    pub fn new() -> Self {
        let (requests, inbox) = channel();
        let (requests, inbox) = (Mutex::new(Some(requests)), Mutex::new(Some(inbox)));
        CheckpointThread { prepared: Mutex::new(None), ready: Condvar::new(), requests, inbox }
    }

    /// Starts the thread. It ends with the job.
    pub fn start(&self, job: &Arc<Job>) -> Result<()> {
        let Some(inbox) = self.inbox.lock().take() else { return Ok(()) };
        let (plan, slots, start) = (job.plan.clone(), job.parallelism(), job.start.clone());
        let job = Arc::downgrade(job);
        let work = move || {
            let outcome = prepare(&plan, slots, &start, wall_clock_ms());
            let (coordinator, prepared) = match outcome {
                Ok((coordinator, prepared)) => (Some(coordinator), Ok(Arc::new(prepared))),
                Err(error) => (None, Err(error)),
            };
            let Some(running) = job.upgrade() else { return };
            let Some(thread) = running.checkpoints.clone() else { return };
            if let Ok(prepared) = &prepared {
                running.restored_from(prepared.recovered.checkpoint());
            }
            drop(running);
            *thread.prepared.lock() = Some(prepared);
            thread.ready.notify_all();
            if let Some(coordinator) = coordinator {
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

    /// Passes on a barrier that has passed every slot. [`Job::barrier_completed`] tells when it is complete.
    pub fn request(&self, request: Request) {
        if let Some(requests) = &*self.requests.lock() {
            // The thread ends early only with the job: nobody waits for the outcome then.
            let _ = requests.send(request);
        }
    }

    /// Ends the thread when it has done what it is doing.
    pub fn end(&self) {
        self.requests.lock().take();
    }
}

fn serve(mut coordinator: Coordinator, job: &Weak<Job>, inbox: &Receiver<Request>) {
    while let Ok(request) = inbox.recv() {
        let Some(job) = job.upgrade() else { return };
        let (barrier, is_last) = (request.barrier, request.is_last);
        match coordinator.complete(request, || job.wakers.wake_all()) {
            Ok(completed) => job.barrier_completed(barrier, &completed),
            Err(error) => return job.fail(error),
        }
        if is_last {
            return;
        }
    }
}
