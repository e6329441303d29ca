//! What the host is asked to send, and what it says of it.

use std::sync::Arc;

use super::batch::Body;
use crate::{Mailbox, Outbox, Refused};

/// One request that is to be made.
#[derive(Debug)]
pub struct HttpRequest {
    /// As [`crate::SinkPlace::id`].
    pub sink: Arc<str>,
    pub slot: usize,
    pub shard: usize,
    /// What it belongs to and where it stands in what its sink has sent; unique within the run of a job.
    pub epoch: u64,
    pub sequence: u64,
    pub body: Body,
}

/// The rows of a request that the endpoint refused, or why the job cannot go on.
pub type HttpAnswer = Result<Vec<Refused>, String>;

pub type HttpOutbox = Outbox<HttpRequest, HttpAnswer>;
pub type HttpMailbox = Mailbox<HttpRequest, HttpAnswer>;
