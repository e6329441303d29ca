//! The job, as all threads of the process share it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millrace_engine::{Error, ErrorCode, SavepointState, Start, StartOptions};
use napi::Env;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::error::guarded;
use crate::metrics::JobMetrics;

/// Jobs by their number: a worker thread finds the job that the main thread has made.
static JOBS: Mutex<Option<HashMap<u32, Arc<millrace_engine::Job>>>> = Mutex::new(None);
static NEXT_ID: AtomicU32 = AtomicU32::new(1);

type Jobs = Option<HashMap<u32, Arc<millrace_engine::Job>>>;

fn jobs() -> MutexGuard<'static, Jobs> {
    JOBS.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn find(id: u32) -> Result<Arc<millrace_engine::Job>, Error> {
    let found = jobs().as_ref().and_then(|jobs| jobs.get(&id).cloned());
    found.ok_or_else(|| Error::new(ErrorCode::Internal, format!("there is no job {id} in this process")))
}

#[napi]
pub struct Job {
    id: u32,
    pub(crate) job: Arc<millrace_engine::Job>,
}

#[napi]
impl Job {
    #[napi(constructor)]
    pub fn new(
        env: Env,
        plan: Uint8Array,
        parallelism: Option<u32>,
        start: Option<String>,
        allow_dropped: Option<Vec<String>>,
    ) -> napi::Result<Self> {
        guarded(&env, || {
            let plan = millrace_plan::decode(&plan).map_err(|error| Error {
                code: ErrorCode::Plan,
                step: error.step,
                message: error.message,
            })?;
            let start = self::start(start.as_deref().unwrap_or("latest"))?;
            let start = StartOptions { start, allow_dropped: allow_dropped.unwrap_or_default() };
            let job = millrace_engine::Job::new(plan, parallelism.map(|slots| slots as usize), start)?;
            let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
            jobs().get_or_insert_default().insert(id, job.clone());
            Ok(Job { id, job })
        })
    }

    #[napi(getter)]
    pub fn id(&self) -> u32 {
        self.id
    }

    #[napi(getter)]
    pub fn parallelism(&self) -> u32 {
        self.job.parallelism() as u32
    }

    #[napi]
    pub fn stop(&self) {
        self.job.stop();
    }

    #[napi]
    pub fn cancel(&self) {
        self.job.cancel();
    }

    /// Asks for a savepoint, which the next barrier becomes, or the last. Gives the number that it goes by.
    #[napi]
    pub fn savepoint(&self, env: Env, name: String, ends_job: bool) -> napi::Result<f64> {
        guarded(&env, || Ok(self.job.savepoint(&name, ends_job)? as f64))
    }

    /// How far a savepoint has come.
    #[napi]
    pub fn savepoint_progress(&self, number: f64) -> Option<SavepointProgress> {
        self.job.savepoint_state(number as u64).map(SavepointProgress::from)
    }

    #[napi]
    pub fn metrics(&self) -> JobMetrics {
        self.job.metrics().into()
    }

    /// Forgets the job; slots that are open keep it.
    #[napi]
    pub fn close(&self) {
        if let Some(jobs) = jobs().as_mut() {
            jobs.remove(&self.id);
        }
        if let Some(outboxes) = self.job.outboxes() {
            outboxes.http.set_bell(None);
            outboxes.calls.set_bell(None);
        }
    }
}

/// Where the job goes on: "latest", "fresh" or "savepoint:NAME".
fn start(text: &str) -> Result<Start, Error> {
    match text.split_once(':') {
        None if text == "latest" => Ok(Start::Latest),
        None if text == "fresh" => Ok(Start::Fresh),
        Some(("savepoint", name)) => Ok(Start::Savepoint(name.into())),
        _ => Err(Error::new(ErrorCode::Internal, format!("a job cannot start at \"{text}\""))),
    }
}

#[napi(object)]
pub struct SavepointProgress {
    /// "waiting", "writing", "written" or "failed".
    pub state: String,
    /// Of one that is written.
    pub checkpoint: Option<f64>,
    pub bytes: Option<f64>,
    /// Of one that has failed.
    pub error: Option<String>,
}

impl From<SavepointState> for SavepointProgress {
    fn from(state: SavepointState) -> Self {
        let state_only =
            |state: &str| SavepointProgress { state: state.into(), checkpoint: None, bytes: None, error: None };
        match state {
            SavepointState::Waiting => state_only("waiting"),
            SavepointState::Writing => state_only("writing"),
            SavepointState::Written { checkpoint, bytes } => SavepointProgress {
                checkpoint: Some(checkpoint as f64),
                bytes: Some(bytes as f64),
                ..state_only("written")
            },
            SavepointState::Failed(error) => SavepointProgress { error: Some(error), ..state_only("failed") },
        }
    }
}
