//! Sources and sinks on the hot path. A connector is one folder or file, registered in [`open_source`] or [`open_sink`].

mod connectors;
mod file;
mod generator;
mod kafka;
mod sink;
mod source;
mod stdout;

pub use connectors::{Clock, open_sink, open_source};
pub use file::{FileSink, FileSource};
pub use generator::GeneratorSource;
pub use kafka::{KafkaSink, KafkaSource};
pub use sink::{Records, Sink};
pub use source::{Poll, Position, Receiver, Record, Source, Split, Waker};
pub use stdout::StdoutSink;

/// What went wrong outside, in the words of who it happened to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub String);

pub type Result<T> = std::result::Result<T, Error>;
