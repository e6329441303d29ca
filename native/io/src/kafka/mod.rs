//! Kafka, by librdkafka. Each slot has a client of its own and reads the partitions that are assigned to it; there is no
//! consumer group protocol, but positions are committed under `group.id`. Sinks whose outputs are committed with a
//! checkpoint share the transactions of the process.

mod bootstrap;
mod client;
mod commits;
mod partitions;
mod producer;
mod queue;
mod sink;
mod source;
mod start;
mod topic;
mod transaction;
mod transactional_sink;
mod transactions;

pub use sink::KafkaSink;
pub use source::{KafkaSource, committed_metadata};
pub use transactional_sink::TransactionalKafkaSink;
pub use transactions::KafkaTransactions;
