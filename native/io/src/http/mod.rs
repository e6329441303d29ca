//! Requests to HTTP endpoints. The core makes them: it encodes rows, chooses their shard, and says when a request is
//! complete. The host sends them, tries again, and says what became of them.

mod batch;
mod outbox;
mod shards;
mod sink;

pub use batch::{Batch, Body};
pub use outbox::{Answer, LiveShards, Outbox, Request};
pub use sink::HttpSink;
