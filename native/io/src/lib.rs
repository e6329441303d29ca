//! Sources and sinks on the hot path. A connector is one folder or file, registered in [`open_source`] or [`open_sink`].

mod connectors;
mod driver;
mod epochs;
mod file;
mod generator;
mod http;
mod kafka;
mod object;
mod outbox;
mod outboxes;
mod schema_registry;
mod sink;
mod source;
mod stdout;
mod transactions;

pub use connectors::{Clock, Delivery, open_sink, open_source, show_staged};
pub use driver::{Call, Calling, Calls, DriverSink, DriverSource, Found, Page, PageError, Reply, Splits, Want};
pub use file::{FileSink, FileSource};
pub use generator::GeneratorSource;
pub use http::{Batch, Body, HttpAnswer, HttpOutbox, HttpRequest, HttpSink, LiveShards, Reshardings};
pub use kafka::{KafkaSink, KafkaSource, KafkaTransactions, TransactionalKafkaSink, committed_metadata};
pub use outbox::{Answered, Mailbox, Outbox, Posted};
pub use outboxes::Outboxes;
pub use schema_registry::RegistryClient;
pub use sink::{Records, Refused, Sink, SinkPlace, StagedFile, Tombstones, memory_bytes};
pub use source::{Poll, Position, Receiver, Record, Restored, Source, SourcePlace, Split, Waker};
pub use stdout::StdoutSink;
pub use transactions::{GroupPositions, TopicPosition, Transactions};

/// What went wrong outside, in the words of who it happened to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub String);

pub type Result<T> = std::result::Result<T, Error>;
