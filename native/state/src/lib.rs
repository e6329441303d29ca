//! Keyed state and checkpoints: backends that hold the state of one slot, storage that checkpoints are written to, and
//! the manifests that name what belongs together. Knows nothing of operators.

mod backend;
mod checkpoints;
mod expiry;
#[allow(clippy::all, clippy::undocumented_unsafe_blocks, clippy::unwrap_used, unsafe_op_in_unsafe_fn)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/manifest_generated.rs"));
    pub use millrace::manifest::*;
}
mod key;
mod manifest;
mod run;
mod storage;

pub use backend::{
    Backend, BackendFigures, BackendKind, BackendOptions, Fill, LocalFile, Snapshot, Visit, open, read_operator,
    taken_over,
};
pub use checkpoints::{Checkpoints, History, SlotFiles, Written};
pub use expiry::{Expiry, expired, stamp, stamped};
pub use key::{
    KEY_PREFIX, Namespace, StateKey, VALUES, key_group_of, key_group_range, namespace_range, operator_range,
};
pub use manifest::{File, KeyedState, Manifest, OperatorState, Position, Progress, StagedFile};
pub use run::{Run, operands};
pub use storage::Storage;

/// What went wrong with state, in words: what, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub String);

pub type Result<T> = std::result::Result<T, Error>;

/// A range of key groups; the end is not part of it.
pub type KeyGroups = std::ops::Range<u32>;
