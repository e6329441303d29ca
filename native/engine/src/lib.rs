//! Runs a plan: slots, operators, exchange, event time, barriers. It takes its clock and its I/O from outside and
//! advances only by [`Slot::step`].

mod error;
mod host;
mod metrics;

pub use error::{Error, ErrorCode, Result};
pub use host::{Host, Mapped};
pub use metrics::{JobMetrics, OperatorMetrics};
