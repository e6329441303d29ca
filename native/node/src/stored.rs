//! The checkpoints and savepoints of a job, looked at without running it.

use millrace_engine::Error;
use millrace_engine::stored::{BackendKind, History, KeyedState, Manifest, OperatorState};
use napi::Env;
use napi_derive::napi;

use crate::error::guarded;

#[napi(object)]
pub struct Stored {
    /// Oldest first.
    pub checkpoints: Vec<StoredCheckpoint>,
    pub savepoints: Vec<StoredCheckpoint>,
}

#[napi(object)]
pub struct StoredCheckpoint {
    pub savepoint: Option<String>,
    pub checkpoint: f64,
    pub created_ms: f64,
    pub bytes: f64,
    pub new_bytes: f64,
    pub max_parallelism: u32,
    pub operators: Vec<StoredOperator>,
    pub slots: Vec<StoredSlot>,
}

#[napi(object)]
pub struct StoredOperator {
    pub id: String,
    pub name: String,
    pub state: Vec<String>,
    pub watermark_ms: Option<f64>,
    pub positions: Vec<StoredPosition>,
}

#[napi(object)]
pub struct StoredPosition {
    pub resource: String,
    pub partition: i32,
    pub offset: f64,
    pub watermark_ms: Option<f64>,
}

#[napi(object)]
pub struct StoredSlot {
    pub first_key_group: u32,
    pub end_key_group: u32,
    pub backend: String,
    pub files: Vec<StoredFile>,
}

#[napi(object)]
pub struct StoredFile {
    pub name: String,
    pub bytes: f64,
}

/// What the storage has of a job.
#[napi]
pub fn stored(env: Env, storage: String, job: String) -> napi::Result<Stored> {
    guarded(&env, || {
        let History { checkpoints, savepoints } = History::read(&storage, &job).map_err(Error::from)?;
        Ok(Stored {
            checkpoints: checkpoints.iter().map(|manifest| shown(None, manifest)).collect(),
            savepoints: savepoints.iter().map(|(name, manifest)| shown(Some(name), manifest)).collect(),
        })
    })
}

fn shown(savepoint: Option<&String>, manifest: &Manifest) -> StoredCheckpoint {
    StoredCheckpoint {
        savepoint: savepoint.cloned(),
        checkpoint: manifest.checkpoint as f64,
        created_ms: manifest.created_ms as f64,
        bytes: manifest.bytes as f64,
        new_bytes: manifest.new_bytes as f64,
        max_parallelism: manifest.max_parallelism,
        operators: manifest.operators.iter().map(StoredOperator::from).collect(),
        slots: manifest.keyed.iter().map(StoredSlot::from).collect(),
    }
}

impl From<&OperatorState> for StoredOperator {
    fn from(operator: &OperatorState) -> Self {
        let positions = operator.positions.iter().map(|position| StoredPosition {
            resource: position.resource.clone(),
            partition: position.partition,
            offset: position.offset as f64,
            watermark_ms: watermark(position.watermark),
        });
        StoredOperator {
            id: operator.id.clone(),
            name: operator.name.clone(),
            state: operator.state.clone(),
            watermark_ms: operator.progress.iter().map(|progress| progress.watermark).min().and_then(watermark),
            positions: positions.collect(),
        }
    }
}

impl From<&KeyedState> for StoredSlot {
    fn from(keyed: &KeyedState) -> Self {
        let files = keyed.files.iter().map(|file| StoredFile { name: file.name.clone(), bytes: file.size as f64 });
        StoredSlot {
            first_key_group: keyed.key_groups.start,
            end_key_group: keyed.key_groups.end,
            backend: match keyed.backend {
                BackendKind::Filesystem => "fs".into(),
                BackendKind::RocksDb => "rocksdb".into(),
            },
            files: files.collect(),
        }
    }
}

/// The ends of time are no times.
fn watermark(time: i64) -> Option<f64> {
    (time != i64::MIN && time != i64::MAX).then_some(time as f64)
}
