//! Runs a plan: slots, operators, exchange, event time, barriers. It takes its clock and its I/O from outside and
//! advances only by [`Slot::step`].

mod aggregates;
mod bad_records;
mod barrier;
mod barriers;
mod batch;
mod build;
mod checkpoint;
mod counters;
mod environment;
mod error;
mod event_time;
mod exchange;
mod expressions;
mod graph;
mod histogram;
mod host;
mod job;
mod job_metrics;
mod key_group;
mod live;
mod lookup;
mod metrics;
mod node;
mod operators;
mod positions;
mod results_may_be_null;
mod savepoints;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod simulation;
mod sink_writer;
mod slot;
mod source;
mod wake;
mod watermarks;

pub use checkpoint::{Start, StartOptions};
pub use error::{Error, ErrorCode, Result};
pub use host::{Host, Mapped};
pub use job::Job;
pub use metrics::{
    CheckpointMetrics, ExchangeMetrics, JobMetrics, LatencyMetrics, LookupMetrics, OperatorMetrics,
    OperatorStateMetrics, QueueMetrics, SlotMetrics, SourceMetrics,
};
pub use millrace_io::{
    Call, Calls, Found, HttpOutbox, HttpRequest, Page, PageError, Posted, Refused, Reply, Splits, Want,
};
pub use millrace_state::BackendFigures;
pub use savepoints::{SavepointOutcome, SavepointState};
pub use slot::{Slot, Step};

/// What a storage has of a job, for whoever looks at it without running the job.
pub mod stored {
    pub use millrace_state::{BackendKind, History, KeyedState, Manifest, OperatorState};
}

/// What schemas are read as.
pub mod schemas {
    pub use millrace_formats::protobuf::describe as describe_protobuf;
}
