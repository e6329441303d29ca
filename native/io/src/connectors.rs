//! The list of connectors.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use millrace_plan::{SinkConnector, SourceConnector};

use crate::file::{FileSink, FileSource};
use crate::generator::GeneratorSource;
use crate::kafka::{KafkaSink, KafkaSource};
use crate::stdout::StdoutSink;
use crate::{Error, Receiver, Result, Sink, Source, Waker};

/// Milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// Opens the part of a source that is `slot`'s, of so many `slots`. `schema` holds the columns that are read.
pub fn open_source<R: Receiver>(
    connector: &SourceConnector,
    schema: SchemaRef,
    slot: usize,
    slots: usize,
    waker: Waker,
    clock: Clock,
) -> Result<Box<dyn Source<R>>> {
    Ok(match connector {
        SourceConnector::Kafka(config) => Box::new(KafkaSource::open(config, slot, slots, &waker)?),
        SourceConnector::File(config) => Box::new(FileSource::open(config, slot, slots)?),
        SourceConnector::Generator(config) => Box::new(GeneratorSource::open(config, schema, slot, slots, clock)?),
    })
}

/// Opens a sink for one slot. A table is none of this crate's: its rows go to the host.
pub fn open_sink(connector: &SinkConnector, slot: usize) -> Result<Box<dyn Sink>> {
    Ok(match connector {
        SinkConnector::Kafka(config) => Box::new(KafkaSink::open(config)?),
        SinkConnector::File(config) => Box::new(FileSink::open(config, slot)?),
        SinkConnector::Stdout => Box::new(StdoutSink::open()?),
        SinkConnector::Table(table) => {
            return Err(Error(format!(
                "table sink \"{}\": a table cannot take encoded records, such as dead letters. Use another sink.",
                table.title
            )));
        }
    })
}
