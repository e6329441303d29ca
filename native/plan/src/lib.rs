//! Decodes and validates a plan; knows nothing of running one.

mod model;

pub use model::*;
