//! The job, as all threads of the process share it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millrace_engine::{Error, ErrorCode, SavepointOutcome, SavepointState, Start, StartOptions};
use napi::Env;
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::error::guarded;

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
    job: Arc<millrace_engine::Job>,
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

#[napi(object)]
pub struct JobMetrics {
    pub operators: Vec<OperatorMetrics>,
    pub watermark_ms: Option<f64>,
    pub backpressured: f64,
    pub busy: f64,
    pub commits: f64,
    pub checkpoints: Option<CheckpointMetrics>,
    pub backend: Option<BackendFigures>,
}

#[napi(object)]
pub struct BackendFigures {
    pub bytes: f64,
    pub entries: f64,
    pub running_compactions: f64,
    pub pending_compaction_bytes: f64,
    pub delayed_write_rate: f64,
    pub stopped_writes: f64,
    pub block_cache_bytes: f64,
}

impl From<millrace_engine::BackendFigures> for BackendFigures {
    fn from(figures: millrace_engine::BackendFigures) -> Self {
        BackendFigures {
            bytes: figures.bytes as f64,
            entries: figures.entries as f64,
            running_compactions: figures.running_compactions as f64,
            pending_compaction_bytes: figures.pending_compaction_bytes as f64,
            delayed_write_rate: figures.delayed_write_rate as f64,
            stopped_writes: figures.stopped_writes as f64,
            block_cache_bytes: figures.block_cache_bytes as f64,
        }
    }
}

#[napi(object)]
pub struct CheckpointMetrics {
    pub completed: f64,
    pub failed: f64,
    pub last_id: Option<f64>,
    pub last_completed_at_ms: Option<f64>,
    pub last_duration_ms: Option<f64>,
    pub last_alignment_ms: Option<f64>,
    pub last_bytes: Option<f64>,
    pub last_new_bytes: Option<f64>,
    pub restored_from: Option<f64>,
    pub restored_changes: Option<Vec<String>>,
    pub savepoints: Option<f64>,
    pub last_savepoint: Option<LastSavepoint>,
}

#[napi(object)]
pub struct LastSavepoint {
    pub name: String,
    pub error: Option<String>,
}

impl From<SavepointOutcome> for LastSavepoint {
    fn from(SavepointOutcome { name, error }: SavepointOutcome) -> Self {
        LastSavepoint { name, error }
    }
}

#[napi(object)]
pub struct OperatorMetrics {
    pub id: String,
    pub name: String,
    pub rows_in: f64,
    pub rows_out: f64,
    pub late: f64,
    pub bad: f64,
    pub bytes: f64,
    pub state: Option<OperatorStateMetrics>,
}

#[napi(object)]
pub struct OperatorStateMetrics {
    pub memory_bytes: f64,
    pub memory_entries: f64,
    pub reads: f64,
    pub writes: f64,
}

impl From<millrace_engine::OperatorStateMetrics> for OperatorStateMetrics {
    fn from(state: millrace_engine::OperatorStateMetrics) -> Self {
        OperatorStateMetrics {
            memory_bytes: state.memory_bytes as f64,
            memory_entries: state.memory_entries as f64,
            reads: state.reads as f64,
            writes: state.writes as f64,
        }
    }
}

impl From<millrace_engine::JobMetrics> for JobMetrics {
    fn from(metrics: millrace_engine::JobMetrics) -> Self {
        let operators = metrics.operators.into_iter().map(|operator| OperatorMetrics {
            id: operator.id,
            name: operator.name,
            rows_in: operator.rows_in as f64,
            rows_out: operator.rows_out as f64,
            late: operator.late as f64,
            bad: operator.bad as f64,
            bytes: operator.bytes as f64,
            state: operator.state.map(OperatorStateMetrics::from),
        });
        JobMetrics {
            operators: operators.collect(),
            watermark_ms: metrics.watermark_ms.map(|watermark| watermark as f64),
            backpressured: metrics.backpressured,
            busy: metrics.busy,
            commits: metrics.commits as f64,
            checkpoints: metrics.checkpoints.map(CheckpointMetrics::from),
            backend: metrics.backend.map(BackendFigures::from),
        }
    }
}

impl From<millrace_engine::CheckpointMetrics> for CheckpointMetrics {
    fn from(metrics: millrace_engine::CheckpointMetrics) -> Self {
        let number = |figure: Option<u64>| figure.map(|figure| figure as f64);
        CheckpointMetrics {
            completed: metrics.completed as f64,
            failed: metrics.failed as f64,
            last_id: number(metrics.last_id),
            last_completed_at_ms: number(metrics.last_completed_at_ms),
            last_duration_ms: number(metrics.last_duration_ms),
            last_alignment_ms: number(metrics.last_alignment_ms),
            last_bytes: number(metrics.last_bytes),
            last_new_bytes: number(metrics.last_new_bytes),
            restored_from: number(metrics.restored_from),
            restored_changes: Some(metrics.restored_changes).filter(|changes| !changes.is_empty()),
            savepoints: number(Some(metrics.savepoints).filter(|&savepoints| savepoints > 0)),
            last_savepoint: metrics.last_savepoint.map(LastSavepoint::from),
        }
    }
}
