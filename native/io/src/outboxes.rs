//! Everything that a job asks of its host.

use std::sync::Arc;

use crate::driver::Calls;
use crate::http::{HttpOutbox, Reshardings};

#[derive(Default)]
pub struct Outboxes {
    /// A name that no other run of a job has.
    pub run: String,
    pub http: Arc<HttpOutbox>,
    pub reshardings: Arc<Reshardings>,
    pub calls: Arc<Calls>,
}

impl Outboxes {
    pub fn new(run: String) -> Self {
        Outboxes { run, ..Outboxes::default() }
    }
}
