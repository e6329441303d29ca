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
        let (requests, inbox) = channel();
        let (requests, inbox) = (Mutex::new(Some(requests)), Mutex::new(Some(inbox)));
        CheckpointThread {
            prepared: Mutex::new(None),
            ready: Condvar::new(),
            requests,
            inbox,
            is_running: Mutex::new(false),
            ended: Condvar::new(),
        }
    }

    /// Starts the thread. It ends with the job.
    pub fn start(self: &Arc<Self>, job: &Arc<Job>) -> Result<()> {
        let Some(inbox) = self.inbox.lock().take() else { return Ok(()) };
        let (plan, slots, start) = (job.plan.clone(), job.parallelism(), job.start.clone());
        let (thread, job) = (self.clone(), Arc::downgrade(job));
        *self.is_running.lock() = true;
        let work = move || {
            let running = Running(thread);
            let outcome = prepare(&plan, slots, &start, wall_clock_ms());
            let (coordinator, prepared) = match outcome {
                Ok((coordinator, prepared)) => (Some(coordinator), Ok(Arc::new(prepared))),
                Err(error) => (None, Err(error)),
            };
            if let (Some(job), Ok(prepared)) = (job.upgrade(), &prepared) {
                job.restored_from(prepared.recovered.checkpoint());
            }
            *running.0.prepared.lock() = Some(prepared);
            running.0.ready.notify_all();
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

    /// Waits until the thread has ended: another run of the job would meet what it is still writing.
    pub fn wait_for_end(&self) {
        let mut is_running = self.is_running.lock();
        while *is_running {
            self.ended.wait(&mut is_running);
        }
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
