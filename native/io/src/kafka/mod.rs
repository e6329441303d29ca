//! Kafka, by librdkafka. Each slot has a client of its own and reads the partitions that are assigned to it; there is no
//! consumer group protocol, but positions are committed under `group.id`.

mod client;
mod commits;
mod partitions;
mod producer;
mod queue;
mod sink;
mod source;
mod start;
mod topic;
mod transactions;

pub use sink::KafkaSink;
pub use source::KafkaSource;
pub use start::committed_metadata;
pub use transactions::KafkaTransactions;
