//! Requests to HTTP endpoints. The core makes them: it encodes rows, chooses their shard, and says when a request is
//! complete. The host sends them, tries again, and says what became of them.

mod batch;
mod columns;
mod request;
mod reshardings;
mod shards;
mod sink;

pub use batch::{Batch, Body};
pub use request::{HttpAnswer, HttpOutbox, HttpRequest};
pub use reshardings::{LiveShards, Reshardings};
pub use sink::HttpSink;
