//! What a job has of the world outside: clocks, names, connectors and a storage. The simulation puts a world of its own in
//! their place.

use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use millrace_formats::Schemas;
use millrace_io::{Outboxes, Restored, Sink, SinkPlace, Source, SourcePlace, StagedFile, Transactions};
use millrace_plan::{Guarantee, KafkaSource, SchemaRegistry, SinkConnector, SourceConnector};
use millrace_state::Checkpoints;

use crate::source::Intake;

/// The world of one job. Calls come from all of its threads.
pub trait Environment: Send + Sync {
    /// Nanoseconds since the job was made, by a clock that never jumps. It is asked some ten times a batch.
    fn elapsed_ns(&self) -> u64;

    /// Nanoseconds that the calling thread has had a CPU; `None` where that is not known. Asking is a system call.
    fn thread_cpu_ns(&self) -> Option<u64>;

    /// As [`Environment::elapsed_ns`], in milliseconds.
    fn elapsed_ms(&self) -> u64 {
        self.elapsed_ns() / 1_000_000
    }

    /// Milliseconds since the epoch.
    fn wall_clock_ms(&self) -> u64;

    /// A name that no other start of a job has.
    fn attempt_name(&self) -> String;

    /// As [`Checkpoints::open`].
    fn open_checkpoints(
        &self,
        settings: &millrace_plan::Checkpoints,
        job: &str,
        attempt: &str,
        cache: &Path,
    ) -> millrace_state::Result<Checkpoints>;

    /// What the job's sinks write through. With transactions it takes over from whoever had them before.
    fn open_outputs(
        &self,
        guarantee: Guarantee,
        transactions: Option<TransactionsOf<'_>>,
    ) -> millrace_io::Result<Arc<dyn Outputs>>;

    /// Where requests wait for the host; `None` where there can be none.
    fn outboxes(&self) -> Option<Arc<Outboxes>> {
        None
    }

    /// As [`millrace_io::open_source`].
    fn open_source(
        &self,
        connector: &SourceConnector,
        schema: SchemaRef,
        place: &SourcePlace<'_>,
        restored: Option<&[Restored]>,
    ) -> millrace_io::Result<Box<dyn Source<Intake>>>;

    /// Where the records of a source look their schemas up; one for all sources and slots.
    fn schemas(&self, registry: &SchemaRegistry) -> millrace_io::Result<Arc<dyn Schemas>>;

    /// As [`millrace_io::committed_metadata`].
    fn committed_metadata(&self, source: &KafkaSource) -> millrace_io::Result<Vec<Option<String>>>;

    /// As [`millrace_io::show_staged`].
    fn show_staged(&self, files: &[StagedFile]) -> millrace_io::Result<()>;
}

/// The outputs of a job.
pub trait Outputs: Send + Sync {
    /// What commits outputs together with positions, if anything does.
    fn transactions(&self) -> Option<Arc<dyn Transactions>>;

    /// As [`millrace_io::open_sink`].
    fn open_sink(&self, connector: &SinkConnector, place: &SinkPlace) -> millrace_io::Result<Box<dyn Sink>>;
}

/// The transactions of a job's Kafka sinks.
pub struct TransactionsOf<'a> {
    pub id: &'a str,
    /// Those of the sinks.
    pub properties: &'a [(String, String)],
}
