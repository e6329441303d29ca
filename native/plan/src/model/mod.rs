//! A verified plan, as owned values: what the rest of the core works with.

mod expr;
mod format;
mod operator;
mod sink;
mod source;

pub use expr::*;
pub use format::*;
pub use operator::*;
pub use sink::*;
pub use source::*;

use arrow::datatypes::SchemaRef;

/// A whole job. Operators stand in topological order.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub name: String,
    /// Slots; 0 means one per core.
    pub parallelism: usize,
    /// Key groups.
    pub max_parallelism: usize,
    /// How often positions are committed; without checkpoints.
    pub commit_interval_ms: u64,
    pub guarantee: Guarantee,
    /// `None`: state is rebuilt from the sources after a failure.
    pub checkpoints: Option<Checkpoints>,
    pub operators: Vec<Operator>,
}

/// What a failure may do to results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    /// Write some of them again, with the same values.
    AtLeastOnce,
    ExactlyOnce,
    /// Leave some of them out.
    AtMostOnce,
}

/// Where state is kept and checkpoints are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoints {
    /// "file:PATH", "s3://BUCKET/PATH" or "hdfs://HOST:PORT/PATH".
    pub storage: String,
    pub interval_ms: u64,
    /// From the end of one checkpoint to the begin of the next.
    pub min_pause_ms: u64,
    /// A checkpoint that takes longer has failed.
    pub timeout_ms: u64,
    /// Checkpoints in a row that may fail before the job does.
    pub tolerable_failures: u32,
    /// Checkpoints that are kept.
    pub retained: usize,
    pub backend: StateBackend,
    /// State over this leaves the memory; 0: never.
    pub memory_budget_bytes: u64,
    /// The local folder of the state.
    pub directory: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateBackend {
    /// On the local disk; checkpoints hold what is new.
    RocksDb,
    /// In memory; every checkpoint holds all of it.
    Filesystem,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Operator {
    /// Stable across changes of the job.
    pub id: String,
    /// What errors, metrics and `explain` call it.
    pub name: String,
    /// Indexes of operators before this one.
    pub inputs: Vec<usize>,
    /// The type of the rows that leave it.
    pub schema: SchemaRef,
    pub kind: OperatorKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum OperatorKind {
    Source(Source),
    Filter(Expr),
    Project(Vec<NamedExpr>),
    Union,
    WindowAggregate(WindowAggregate),
    Function(Function),
    Sink(Sink),
    Deduplicate(Deduplicate),
    BroadcastJoin(BroadcastJoin),
    LookupJoin(LookupJoin),
}

impl OperatorKind {
    /// It keeps state: rows have to come, by an exchange, to where that is.
    pub fn keeps_state(&self) -> bool {
        use OperatorKind::{BroadcastJoin, Deduplicate, WindowAggregate};
        matches!(self, WindowAggregate(_) | Deduplicate(_) | BroadcastJoin(_))
    }
}
