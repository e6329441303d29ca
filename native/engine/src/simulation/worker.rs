//! A process with the job in it, one step at a time.

use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use millrace_plan::{FunctionKind, Plan};

use super::database::Connection;
use super::fiber::{self, Fiber};
use super::process::{Process, Simulated};
use super::random::Random;
use crate::checkpoint::{obey, prepare_job};
use crate::host::{Host, Mapped};
use crate::job::Job;
use crate::slot::{Round, Slot};
use crate::{Error, Result, Start};

pub struct Worker {
    pub process: Arc<Process>,
    job: Arc<Job>,
    /// What makes the checkpoints.
    checkpoints: Option<Fiber>,
    slots: Vec<Option<Slot>>,
    database: Connection,
    /// Steps that it stands still for, as a process does that is short of memory or of CPU time.
    pub stands_still: u64,
    /// Another process was there at some time, or something that one had left behind.
    pub had_rivals: bool,
}

/// What a step has come to.
pub enum Stepped {
    Running,
    Ended,
    Failed(Error),
}

impl Worker {
    pub fn start(process: Process, plan: &Plan, parallelism: usize) -> Result<Worker> {
        let process = Arc::new(process);
        let environment = Arc::new(Simulated(process.clone()));
        let job = Job::within(environment, plan.clone(), Some(parallelism), Start::Latest.into())?;
        let checkpoints = job.checkpoints.is_some().then(|| {
            let (job, process) = (job.clone(), process.clone());
            Fiber::new(move || make_checkpoints(&job, &process))
        });
        let (slots, database, had_rivals) = (Vec::new(), Connection::default(), false);
        Ok(Worker { process, job, checkpoints, slots, database, stands_still: 0, had_rivals })
    }

    /// Something in the process goes on by a step.
    pub fn step(&mut self, random: &mut Random) -> Stepped {
        let is_prepared = self.job.checkpoints.as_ref().is_none_or(|checkpoints| checkpoints.is_prepared());
        if let Some(checkpoints) = &mut self.checkpoints
            && (!is_prepared || random.chance(400))
        {
            checkpoints.resume();
            return Stepped::Running;
        }
        if random.chance(300) && self.database.answer(&self.process.outboxes.calls, random) {
            return Stepped::Running;
        }
        let stepped = if self.slots.len() < self.job.parallelism() { self.open() } else { self.round(random) };
        stepped.unwrap_or_else(Stepped::Failed)
    }

    fn open(&mut self) -> Result<Stepped> {
        self.slots.push(Some(Slot::open(self.job.clone(), self.slots.len(), Box::new(NoHost))?));
        Ok(Stepped::Running)
    }

    fn round(&mut self, random: &mut Random) -> Result<Stepped> {
        let open: Vec<usize> = (0..self.slots.len()).filter(|&slot| self.slots[slot].is_some()).collect();
        let slot = random.pick(&open);
        let now_ms = self.job.elapsed_ms();
        if let Some(open) = &mut self.slots[slot]
            && open.round(now_ms)? == Round::Finished
        {
            self.slots[slot] = None;
        }
        Ok(if self.slots.iter().all(Option::is_none) { Stepped::Ended } else { Stepped::Running })
    }

    pub fn stop(&self) {
        self.job.stop();
    }

    pub fn savepoint(&self, name: &str) {
        // A job without checkpoints refuses it.
        let _ = self.job.savepoint(name, false);
    }

    /// It was told to stop: what it has not read is left to the next one.
    pub fn is_stopping(&self) -> bool {
        self.job.is_stopping()
    }

    /// The process is no more.
    pub fn end(mut self) {
        self.process.die();
        self.job.cancel();
        while self.checkpoints.as_mut().is_some_and(Fiber::resume) {}
        self.slots.clear();
        self.process.world.lock().bury(self.process.number);
    }
}

fn make_checkpoints(job: &Arc<Job>, process: &Process) {
    let (Some(mut coordinator), Some(checkpoints)) = (prepare_job(job), &job.checkpoints) else { return };
    while !process.is_dead() {
        match checkpoints.next_order() {
            None => fiber::pause(),
            Some(order) => {
                if obey(&mut coordinator, job, order).is_break() {
                    return;
                }
            }
        }
    }
}

/// The jobs have no functions and no tables.
struct NoHost;

impl Host for NoHost {
    fn call(&mut self, _number: u32, _kind: FunctionKind, _input: &RecordBatch, _output: &SchemaRef) -> Result<Mapped> {
        unreachable!("there are no functions")
    }

    fn show(&mut self, _title: &str, _rows: &RecordBatch) -> Result<()> {
        unreachable!("there are no tables")
    }
}

/// Where a simulation keeps its local files: in memory, if there is a place for that.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}
