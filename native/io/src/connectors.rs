//! The list of connectors.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use millrace_plan::{SinkConnector, SourceConnector};

use crate::kafka::{KafkaSink, KafkaSource};
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
        _ => return Err(Error(format!("not yet {schema:?} {}", clock()))),
    })
}

/// Opens a sink for one slot. A table is no sink of this crate's: its rows go to the host.
pub fn open_sink(connector: &SinkConnector, slot: usize) -> Result<Box<dyn Sink>> {
    Ok(match connector {
        SinkConnector::Kafka(config) => Box::new(KafkaSink::open(config)?),
        _ => return Err(Error(format!("not yet {slot}"))),
    })
}
