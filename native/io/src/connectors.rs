//! The list of connectors.

use std::sync::Arc;
use std::time::SystemTime;

use arrow::datatypes::SchemaRef;
use millrace_plan::{SinkConnector, SourceConnector};
use millrace_storage::is_remote;

use crate::driver::{Calling, DriverSink, DriverSource};
use crate::file::{FileSink, FileSource};
use crate::generator::GeneratorSource;
use crate::http::HttpSink;
use crate::kafka::{KafkaSink, KafkaSource, KafkaTransactions, TransactionalKafkaSink};
use crate::object::{ObjectSink, ObjectSource};
use crate::stdout::StdoutSink;
use crate::{
    Error, Outboxes, Receiver, Restored, Result, Sink, SinkPlace, Source, SourcePlace, StagedFile, file, object,
};

/// Milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// How what a sink writes becomes visible.
#[derive(Default)]
pub enum Delivery {
    /// As it is written.
    #[default]
    AtOnce,
    /// With the checkpoint that it belongs to: Kafka records when their transaction is committed, if there are
    /// transactions, and files when the sink is told to commit. `since` is a time before the job took over from those
    /// that were started earlier.
    WithCheckpoint { since: SystemTime, transactions: Option<Arc<KafkaTransactions>> },
}

impl Delivery {
    fn stages_since(&self) -> Option<SystemTime> {
        match self {
            Delivery::AtOnce => None,
            Delivery::WithCheckpoint { since, .. } => Some(*since),
        }
    }
}

/// Opens the part of a source that is one slot's. `schema` holds the columns that are read. With `restored`, it goes on from
/// there: splits that are not named in it start at their beginning.
pub fn open_source<R: Receiver>(
    connector: &SourceConnector,
    schema: SchemaRef,
    place: &SourcePlace<'_>,
    clock: Clock,
    restored: Option<&[Restored]>,
    outboxes: &Outboxes,
) -> Result<Box<dyn Source<R>>> {
    let &SourcePlace { slot, slots, ref waker, .. } = place;
    Ok(match connector {
        SourceConnector::Kafka(config) => Box::new(KafkaSource::open(config, slot, slots, waker, restored)?),
        SourceConnector::File(config) if config.paths.iter().any(|path| is_remote(path)) => {
            Box::new(ObjectSource::open(config, schema, slot, slots, waker, restored)?)
        }
        SourceConnector::File(config) => Box::new(FileSource::open(config, schema, slot, slots, restored)?),
        SourceConnector::Generator(config) => {
            Box::new(GeneratorSource::open(config, schema, slot, slots, clock, restored)?)
        }
        SourceConnector::Driver(config) => {
            Box::new(DriverSource::open(config, schema, place, restored, &outboxes.calls)?)
        }
    })
}

/// Opens a sink for one slot. A table is none of this crate's: its rows go to the host.
pub fn open_sink(
    connector: &SinkConnector,
    place: &SinkPlace,
    delivery: &Delivery,
    outboxes: &Outboxes,
) -> Result<Box<dyn Sink>> {
    Ok(match connector {
        SinkConnector::Kafka(config) => match delivery {
            Delivery::WithCheckpoint { transactions: Some(transactions), .. } => {
                Box::new(TransactionalKafkaSink::open(config, transactions)?)
            }
            _ => Box::new(KafkaSink::open(config)?),
        },
        SinkConnector::File(config) if is_remote(&config.directory) => {
            Box::new(ObjectSink::open(config, place.slot, delivery.stages_since())?)
        }
        SinkConnector::File(config) => Box::new(FileSink::open(config, place.slot, delivery.stages_since())?),
        SinkConnector::Http(config) => Box::new(HttpSink::open(config, place, outboxes)),
        SinkConnector::Driver(config) => {
            let calling = Calling::new(&place.id, place.slot, outboxes.calls.clone(), place.waker.clone());
            Box::new(DriverSink::open(config, calling))
        }
        SinkConnector::Stdout => Box::new(StdoutSink::open()?),
        SinkConnector::Table(table) => {
            return Err(Error(format!(
                "table sink \"{}\": a table cannot take encoded records, such as dead letters. Use another sink.",
                table.title
            )));
        }
    })
}

/// Finishes what the sinks of a checkpoint had still to do when it was restored; to be called before a sink opens, which
/// removes what no checkpoint names. Files that have been shown already stay as they are.
pub fn show_staged(files: &[StagedFile]) -> Result<()> {
    let (remote, local): (Vec<_>, Vec<_>) = files.iter().cloned().partition(|file| is_remote(&file.visible));
    file::show_staged(&local)?;
    object::show_staged(&remote)
}
