//! Checkpoints: what a start goes on from, and how a barrier that has passed every slot becomes a checkpoint.

mod coordinator;
mod local_state;
mod prepare;
mod recovery;
mod slot_state;
mod thread;

pub use coordinator::{Completed, Request, if_taken_over};
pub use prepare::Prepared;
pub use recovery::{Start, StartOptions};
pub use slot_state::SlotState;
pub use thread::{CheckpointThread, Order};
#[cfg(test)]
pub use thread::{obey, prepare_job};
